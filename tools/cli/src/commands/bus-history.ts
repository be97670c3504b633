import type { Company } from '@agentcompany/orchestrator';
import type { EnvelopeType, Result } from '@agentcompany/protocol';
import { Option, type Command } from 'commander';
import type { Context } from '../context.ts';
import { instant, positiveInteger, wholeNumber } from '../operands.ts';
import { action, examples, type Session } from '../session.ts';
import { historyLines } from '../terminal/bus-lines.ts';

type HistoryQuery = Parameters<Company['bus']['history']>[0];

interface HistoryOptions {
  readonly thread?: string;
  readonly type?: string;
  readonly sender?: string;
  readonly recipient?: string;
  readonly since?: number;
  readonly until?: number;
  readonly status?: 'pending' | 'processed' | 'failed';
  readonly limit: number;
  readonly offset: number;
}

const defaultLimit = 100;

/** `bus history`: every envelope, in and out, with the standing of its deliveries. */
export function addHistory(bus: Command, session: Session): void {
  const command = bus
    .command('history')
    .description(
      'Searches all envelopes on record, the oldest first. `failed` was given up, `pending` is not done, `-` was recorded only.',
    )
    .argument('[run]', 'id of the run, or the beginning of it; the whole company where absent')
    .option('--thread <id>', 'only of this mail thread')
    .option('--type <type>', 'only of this type (docs/protocol.md)')
    .option('--sender <name>', 'only from this sender')
    .option('--recipient <name>', 'only to this recipient')
    .option('--since <time>', 'only made at this time or later, UTC', instant)
    .option('--until <time>', 'only made before this time, UTC', instant)
    .addOption(
      new Option('--status <status>', 'only those that stand like this').choices(['pending', 'processed', 'failed']),
    )
    .option('-n, --limit <n>', 'at most this many', positiveInteger, defaultLimit)
    .option('--offset <n>', 'leave out the first so many', wholeNumber, 0)
    .action(
      action<HistoryOptions>(session, async (context, [run], options) => {
        const query = await queryOf(run, options);
        if (!query.ok) return context.fail(query.error);
        return context.withCompany({}, (company) => printHistory(context, company, query.value));
      }),
    );
  examples(
    command,
    'agentcompany bus history 0198c5f2',
    'agentcompany bus history --type review_response --since 2026-11-20',
    'agentcompany bus history --status failed --json | jq .entries',
  );
}

async function queryOf(run: string | undefined, options: HistoryOptions): Promise<Result<HistoryQuery>> {
  const { type, ...rest } = options;
  const named = run === undefined ? {} : { run };
  if (type === undefined) return { ok: true, value: { ...named, ...rest } };
  const { envelopeTypes } = await import('@agentcompany/protocol');
  const known = envelopeTypes.find((candidate): candidate is EnvelopeType => candidate === type);
  if (known !== undefined) return { ok: true, value: { ...named, ...rest, type: known } };
  const { cliErrors } = await import('../errors.ts');
  const problem = `--type: there is no envelope type ${type} (docs/protocol.md lists them)`;
  return { ok: false, error: cliErrors.AC_USAGE({ problem, help: 'agentcompany bus history --help' }) };
}

async function printHistory(context: Context, company: Company, query: HistoryQuery): Promise<number> {
  const page = await company.bus.history(query);
  if (!page.ok) return context.fail(page.error);
  const { entries, more } = page.value;
  if (context.json) {
    const documents = entries.map(({ deliveries, ...entry }) => ({
      ...entry,
      deliveries: deliveries.map(({ queue, state, count }) => ({ queue, state, count })),
    }));
    context.document({ version: 1, entries: documents, more });
    return 0;
  }
  if (entries.length === 0) context.talk('No envelope is like that.');
  else for (const line of historyLines(entries, context.style, context.io.stdout.columns)) context.data(line);
  if (more) context.talk(`There are more: --offset ${query.offset + entries.length}`);
  return 0;
}
