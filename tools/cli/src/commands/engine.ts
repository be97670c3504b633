import type { Command } from 'commander';
import { action, examples, type Session } from '../session.ts';

interface EngineOptions {
  readonly serve?: true;
  /** False by --no-workers. */
  readonly workers: boolean;
}

/** `engine`: works on whatever comes, until it is stopped. */
export function addEngine(program: Command, session: Session): void {
  const command = program
    .command('engine')
    .summary('work on all runs until stopped')
    .description('Is the engine of the company: works on every open run and on those to come, until Ctrl-C.')
    .option('--serve', 'let worker hosts join also where the bus is of this machine')
    .option('--no-workers', 'do no work on this machine: worker hosts do it all')
    .action(
      action<EngineOptions>(session, async (context, _operands, options) =>
        context.withCompany(options.workers ? {} : { local_workers: false }, async (company) => {
          const stop = new AbortController();
          const release = context.io.onInterrupt(() => stop.abort());
          context.talk('The engine is at work; Ctrl-C stops it, and the runs go on when it starts again.');
          const driven = await company.drive({
            signal: stop.signal,
            serve: options.serve === true,
            onWarning: (warning) => context.talk(`${context.talkStyle.attention('warning')}: ${warning}`),
            onServing: (address) => context.talk(`Worker hosts join at ${address}.`),
          });
          release();
          return driven.ok ? 0 : context.fail(driven.error);
        }),
      ),
    );
  examples(command, 'agentcompany engine', 'agentcompany run "…" --project tool --detach   (in another terminal)');
}
