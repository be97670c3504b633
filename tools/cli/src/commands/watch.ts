import type { Command } from 'commander';
import { createPrinter, followRun } from '../follow-run.ts';
import { waitingSeconds } from '../operands.ts';
import { reportRun, timeoutError } from '../report-run.ts';
import { isOver } from '../run-outcome.ts';
import { action, examples, type Session } from '../session.ts';

interface WatchOptions {
  readonly timeout?: number;
}

/** `watch`: the timeline of a run from any terminal, whoever works on it. */
export function addWatch(program: Command, session: Session): void {
  const command = program
    .command('watch')
    .summary('follow a run from any terminal')
    .description(
      'Shows the timeline of a run and follows it to its end. It does no work itself; Ctrl-C ends the watching only.',
    )
    .argument('<run>', 'id of the run, or the beginning of it')
    .option('--timeout <seconds>', 'stop watching after this time, exit 124', waitingSeconds)
    .action(
      action<WatchOptions>(session, async (context, [id], options) =>
        context.withCompany({}, async (company) => {
          const found = await company.showRun(id ?? '');
          if (!found.ok) return context.fail(found.error);
          const stop = new AbortController();
          const release = context.io.onInterrupt(() => stop.abort('interrupt'));
          const timer =
            options.timeout === undefined ? undefined : setTimeout(() => stop.abort('timeout'), options.timeout * 1000);
          const pid = await company.enginePid();
          if (pid === null && !isOver(found.value.state))
            context.talk('No engine is at work: `agentcompany resume` goes on with the run.');
          const run = await followRun(company, found.value.run_id, createPrinter(context), {
            signal: stop.signal,
            until: isOver,
            after: 0,
          }).done;
          clearTimeout(timer);
          release();
          if (!stop.signal.aborted) return run.ok ? reportRun(context, run.value) : context.fail(run.error);
          const { cliErrors } = await import('../errors.ts');
          return context.fail(
            stop.signal.reason === 'timeout'
              ? await timeoutError([found.value.run_id], options.timeout ?? 0)
              : cliErrors.AC_INTERRUPTED({ detail: ': the run itself is left alone' }),
          );
        }),
      ),
    );
  examples(
    command,
    'agentcompany watch 0198c5f2',
    'agentcompany watch 0198c5f2 --json | jq -c .envelope.envelope_type',
  );
}
