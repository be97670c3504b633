import path from 'node:path';
import type { ReplayReport } from '@agentcompany/orchestrator/replay';
import type { Command } from 'commander';
import type { Context } from '../context.ts';
import { exitCodes } from '../exit-codes.ts';
import { shortId } from '../run-outcome.ts';
import { action, examples, type Session } from '../session.ts';
import { counted } from '../terminal/clean-text.ts';
import { replayLines } from '../terminal/replay-lines.ts';

interface ReplayOptions {
  readonly keep?: string;
}

function show(context: Context, report: ReplayReport): void {
  if (context.json) return context.document({ version: 1, replay: report });
  for (const line of replayLines(report, context.io.stdout.columns)) context.data(line);
  if (report.folder !== null) context.talk(`Kept in ${report.folder}.`);
}

async function replay(context: Context, id: string, { keep }: ReplayOptions): Promise<number> {
  const interrupt = new AbortController();
  const release = context.io.onInterrupt(() => interrupt.abort());
  try {
    return await context.withCompany({}, async (company, config) => {
      const { replayRun } = await import('@agentcompany/orchestrator/replay');
      const replayed = await replayRun(
        {
          company,
          config,
          environment: context.io.environment,
          installation: context.io.checkout,
          keep: keep === undefined ? null : path.resolve(context.io.cwd, keep),
          signal: interrupt.signal,
          onStart: ({ runId, exchanges }) =>
            context.talk(`Run ${shortId(runId)} again, with ${counted(exchanges, 'recorded answer')} of models.`),
        },
        id,
      );
      if (interrupt.signal.aborted) return exitCodes.interrupted;
      if (!replayed.ok) return context.fail(replayed.error);
      show(context, replayed.value);
      return replayed.value.same ? exitCodes.ok : exitCodes.failed;
    });
  } finally {
    release();
  }
}

/** `replay`: a run again, from its recording. */
export function addReplay(program: Command, session: Session): void {
  const command = program
    .command('replay')
    .summary('carry a run out again from its recording, without a model')
    .description(
      'Carries a run out again in a fresh home: containers work, models answer from the recording. Says where the two differ: 0 nowhere, 1 somewhere.',
    )
    .argument('<run>', 'id of the run, or the beginning of it')
    .option('--keep <folder>', 'make the home there and keep it')
    .action(action<ReplayOptions>(session, (context, [id = ''], options) => replay(context, id, options)));
  examples(command, 'agentcompany replay 0198c5f2', 'agentcompany replay 0198c5f2 --keep /tmp/again --json');
}
