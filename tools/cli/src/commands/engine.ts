import type { Command } from 'commander';
import { action, examples, type Session } from '../session.ts';

/** `engine`: works on whatever comes, until it is stopped. */
export function addEngine(program: Command, session: Session): void {
  const command = program
    .command('engine')
    .summary('work on all runs until stopped')
    .description('Is the engine of the company: works on every open run and on those to come, until Ctrl-C.')
    .action(
      action(session, async (context) =>
        context.withCompany({}, async (company) => {
          const stop = new AbortController();
          const release = context.io.onInterrupt(() => stop.abort());
          context.talk('The engine is at work; Ctrl-C stops it, and the runs go on when it starts again.');
          const driven = await company.drive({ signal: stop.signal });
          release();
          return driven.ok ? 0 : context.fail(driven.error);
        }),
      ),
    );
  examples(command, 'agentcompany engine', 'agentcompany run "…" --project tool --detach   (in another terminal)');
}
