import type { Company } from '@agentcompany/orchestrator';
import { Option, type Command } from 'commander';
import type { Context } from '../context.ts';
import { instant } from '../operands.ts';
import { shortId } from '../run-outcome.ts';
import { action, examples, type Session } from '../session.ts';
import { deadLetterLines } from '../terminal/bus-lines.ts';
import { cleanLine, counted } from '../terminal/clean-text.ts';

/** `bus dead-letters`. */
export function addDeadLetters(bus: Command, session: Session): void {
  const command = bus
    .command('dead-letters')
    .description('Lists the deliveries that were given up, with why, and what to do.')
    .action(
      action(session, async (context) =>
        context.withCompany({}, async (company) => {
          const dead = await company.bus.deadLetters();
          if (!dead.ok) return context.fail(dead.error);
          if (context.json) {
            const letters = dead.value.map(({ buriedAt, ...letter }) => ({ ...letter, buried_at: buriedAt }));
            context.document({ version: 1, dead_letters: letters });
          } else if (dead.value.length === 0) context.talk('No dead letters.');
          else {
            for (const letter of dead.value) for (const line of deadLetterLines(letter)) context.data(line);
            context.talk('\nMend the cause, then `agentcompany bus requeue ID`; or `agentcompany bus purge ID`.');
          }
          return 0;
        }),
      ),
    );
  examples(command, 'agentcompany bus dead-letters', 'agentcompany bus dead-letters --json | jq .dead_letters[].error');
}

async function failUsage(context: Context, command: string, problem: string): Promise<number> {
  const { cliErrors } = await import('../errors.ts');
  return context.fail(cliErrors.AC_USAGE({ problem, help: `agentcompany bus ${command} --help` }));
}

/** `bus requeue`. */
export function addRequeue(bus: Command, session: Session): void {
  const command = bus
    .command('requeue')
    .description('Puts a dead letter back at the end of its queue, as if it had never been delivered.')
    .argument('[id]', 'id of the dead letter, or the beginning of it')
    .option('--all', 'all dead letters, the oldest first')
    .action(
      action<{ readonly all?: true }>(session, async (context, [id], options) => {
        if ((id === undefined) === (options.all === undefined))
          return failUsage(context, 'requeue', 'give the id of a dead letter, or --all');
        return context.withCompany({}, async (company) => {
          const requeued = await (id === undefined ? company.bus.requeueAll() : company.bus.requeue(id));
          if (!requeued.ok) return context.fail(requeued.error);
          const ids = typeof requeued.value === 'string' ? [requeued.value] : requeued.value;
          if (context.json) context.document({ version: 1, requeued: ids });
          else context.data(`${counted(ids.length, 'dead letter')} requeued`);
          return 0;
        });
      }),
    );
  examples(command, 'agentcompany bus requeue 5f0c9d1e', 'agentcompany bus requeue --all');
}

interface PurgeOptions {
  readonly run?: string;
  readonly before?: number;
  readonly dryRun?: true;
}

/** `bus purge`. */
export function addPurge(bus: Command, session: Session): void {
  const command = bus
    .command('purge')
    .description(
      'Forgets a dead letter; or runs that have ended, with their envelopes, logs and lines in `runs list`. Open runs are refused, and a run with an open pull request is open.',
    )
    .argument('[id]', 'id of the dead letter, or the beginning of it')
    .option('--run <run>', 'this run')
    .addOption(
      new Option('--before <time>', 'all ended runs without an envelope since this time, UTC')
        .argParser(instant)
        .conflicts('run'),
    )
    .option('--dry-run', 'only say which runs would go')
    .action(
      action<PurgeOptions>(session, async (context, [id], options) => {
        const isRuns = options.run !== undefined || options.before !== undefined;
        if ((id === undefined) !== isRuns)
          return failUsage(context, 'purge', 'give the id of a dead letter, or --run, or --before');
        if (!isRuns && options.dryRun === true)
          return failUsage(context, 'purge', '--dry-run goes with --run or --before');
        return context.withCompany({}, (company) =>
          id === undefined ? purgeRuns(context, company, options) : purgeLetter(context, company, id),
        );
      }),
    );
  examples(
    command,
    'agentcompany bus purge 5f0c9d1e',
    'agentcompany bus purge --run 0198c5f2 --dry-run',
    'agentcompany bus purge --before 2026-08-01',
  );
}

async function purgeLetter(context: Context, company: Company, id: string): Promise<number> {
  const purged = await company.bus.purgeDeadLetter(id);
  if (!purged.ok) return context.fail(purged.error);
  if (context.json) context.document({ version: 1, purged: [purged.value] });
  else context.data('1 dead letter purged; its envelope stays on record');
  return 0;
}

async function purgeRuns(context: Context, company: Company, options: PurgeOptions): Promise<number> {
  const dryRun = options.dryRun === true;
  const one = options.run === undefined ? null : await company.bus.purgeRun(options.run, { dryRun });
  if (one !== null && !one.ok) return context.fail(one.error);
  const all = one === null ? await company.bus.purgeBefore(options.before ?? 0, { dryRun }) : null;
  if (all !== null && !all.ok) return context.fail(all.error);
  const runs = [...(one === null ? [] : [one.value]), ...(all?.value ?? [])];
  if (context.json) {
    context.document({ version: 1, dry_run: dryRun, runs });
    return 0;
  }
  const verb = dryRun ? 'would be purged' : 'purged';
  const gone = runs.filter(({ kept }) => kept === null);
  for (const { run_id: runId, entries } of gone) context.data(`${runId}  ${counted(entries, 'envelope')} ${verb}`);
  for (const { run_id: runId, kept } of runs)
    if (kept !== null) context.talk(`${shortId(runId)} is kept: ${cleanLine(kept.message)}. ${cleanLine(kept.remedy)}`);
  context.talk(`${counted(gone.length, 'run')} ${verb}`);
  return 0;
}
