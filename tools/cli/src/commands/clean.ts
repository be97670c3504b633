import type { CleanedItem, CleanReport } from '@agentcompany/orchestrator';
import type { Command } from 'commander';
import type { Context } from '../context.ts';
import { exitCodes } from '../exit-codes.ts';
import { action, examples, type Session } from '../session.ts';
import { bytesText } from '../terminal/bytes-text.ts';
import { cleanLine, counted } from '../terminal/clean-text.ts';
import { renderTable, type Column } from '../terminal/table.ts';

const idCharacters = 12;

function nameOf({ kind, name }: CleanedItem): string {
  return kind === 'container' ? name.slice(0, idCharacters) : name;
}

const columns: readonly Column<CleanedItem>[] = [
  { title: 'WHAT', value: (item) => item.kind },
  { title: 'BYTES', value: (item) => bytesText(item.bytes) },
  { title: 'OWNER', value: (item) => item.owner },
  { title: 'NAME', value: nameOf, elastic: true },
];

function show(context: Context, report: CleanReport): void {
  const gone = report.items.filter(({ error }) => error === null);
  if (gone.length > 0) for (const line of renderTable(gone, columns, context.io.stdout.columns)) context.data(line);
  const [done, freed] = report.dry_run ? ['to remove', 'to free'] : ['removed', 'freed'];
  context.data(`${counted(gone.length, 'thing')} ${done}, ${bytesText(report.bytes_freed)} ${freed}`);
  if (report.kept.length > 0)
    context.talk(
      `${counted(report.kept.length, 'result')} kept: of failed runs, or of runs that are on record no more (--json names them).`,
    );
  if (report.engine_running)
    context.talk('An engine is at work: only what the ledger says has ended, and no room inside repositories.');
}

async function clean(context: Context, dryRun: boolean): Promise<number> {
  return context.withCompany({}, async (company) => {
    const report = await company.clean({ dryRun });
    if (!report.ok) return context.fail(report.error);
    if (context.json) context.document({ version: 1, ...report.value });
    else show(context, report.value);
    for (const { name, error } of report.value.items)
      if (error !== null) context.talk(`${cleanLine(name)} is still there: ${error.code}: ${cleanLine(error.message)}`);
    const [problem] = report.value.problems;
    if (problem !== undefined) return context.fail(problem);
    return report.value.items.some(({ error }) => error !== null) ? exitCodes.failed : exitCodes.ok;
  });
}

/** `clean`: removes what ended runs left behind. */
export function addClean(program: Command, session: Session): void {
  const command = program
    .command('clean')
    .summary('remove what ended runs left behind')
    .description(
      "Removes what is provably this company's and finished, and says how many bytes that freed: containers, bundles, quarantines, checkpoints, results that were pushed or given up, temporary folders of dead processes. Never a result that is nowhere else.",
    )
    .option('--dry-run', 'only say what would be removed')
    .action(
      action<{ readonly dryRun?: true }>(session, (context, _operands, { dryRun }) => clean(context, dryRun === true)),
    );
  examples(command, 'agentcompany clean --dry-run', 'agentcompany clean');
}
