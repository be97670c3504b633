import type { Company } from '@agentcompany/orchestrator';
import type { Result } from '@agentcompany/protocol';
import { Option, type Command } from 'commander';
import { wholeNumber } from '../operands.ts';
import { action, examples, type Session } from '../session.ts';
import { entryLine, statisticsLines } from '../terminal/bus-lines.ts';

/** `bus stats`. */
export function addStats(bus: Command, session: Session): void {
  const command = bus
    .command('stats')
    .description('Says which store it is, what it promises, how much it holds, and what waits in each queue.')
    .action(
      action(session, async (context) =>
        context.withCompany({}, async (company) => {
          const statistics = await company.bus.statistics();
          if (!statistics.ok) return context.fail(statistics.error);
          if (context.json) context.document({ version: 1, bus: statistics.value });
          else
            for (const line of statisticsLines(statistics.value, context.style, context.io.stdout.columns))
              context.data(line);
          return 0;
        }),
      ),
    );
  examples(command, 'agentcompany bus stats', 'agentcompany bus stats --json | jq .bus.queues');
}

interface TailOptions {
  readonly follow?: true;
  readonly after?: number;
  readonly last?: number;
}

const defaultLast = 20;

async function startOf(bus: Company['bus'], { after, last }: TailOptions): Promise<Result<number>> {
  return after === undefined ? bus.positionBefore(last ?? defaultLast) : { ok: true, value: after };
}

/** `bus tail`: envelopes in commit order, one line each. */
export function addTail(bus: Command, session: Session): void {
  const command = bus
    .command('tail')
    .description('Prints the latest envelopes of the whole company in the order in which they were committed.')
    .option('-f, --follow', 'go on with those that come, until Ctrl-C')
    .option('-n, --last <n>', `begin with the last so many (${defaultLast} where absent)`, wholeNumber)
    .addOption(new Option('--after <position>', 'begin behind this position').argParser(wholeNumber).conflicts('last'))
    .action(
      action<TailOptions>(session, async (context, _, options) =>
        context.withCompany({}, async (company) => {
          const start = await startOf(company.bus, options);
          if (!start.ok) return context.fail(start.error);
          const stop = new AbortController();
          const release = context.io.onInterrupt(() => stop.abort());
          const { columns } = context.io.stdout;
          try {
            const follow = options.follow === true;
            for await (const entry of company.bus.tail({ after: start.value, follow, signal: stop.signal })) {
              if (stop.signal.aborted) break;
              if (!entry.ok) return context.fail(entry.error);
              if (context.json) context.document(entry.value);
              else context.data(entryLine(entry.value, context.style, columns));
            }
            return 0;
          } finally {
            release();
          }
        }),
      ),
    );
  examples(
    command,
    'agentcompany bus tail',
    'agentcompany bus tail --follow --last 0',
    'agentcompany bus tail --after 1200 --json | jq -c .envelope',
  );
}
