import type { Command } from 'commander';
import { createContext, type Context, type GlobalOptions } from './context.ts';
import { exitCodes } from './exit-codes.ts';
import type { CliIo } from './io.ts';

/** One call of the command line: what it works on and what it will end with. */
export interface Session {
  readonly io: CliIo;
  exitCode: number;
}

export function createSession(io: CliIo): Session {
  return { io, exitCode: exitCodes.ok };
}

/** The action of a command: `handler` gets its context, operands and options, and returns the exit code. */
export function action<Options extends object>(
  session: Session,
  handler: (context: Context, operands: readonly string[], options: Options) => Promise<number>,
): (this: Command) => Promise<void> {
  return async function act(this: Command): Promise<void> {
    const context = createContext(session.io, this.optsWithGlobals<GlobalOptions>());
    session.exitCode = await handler(context, this.args, this.opts<Options>());
  };
}

/** Help with the examples first. */
export function examples(command: Command, ...lines: readonly string[]): Command {
  return command.addHelpText('before', `Examples:\n${lines.map((line) => `  ${line}\n`).join('')}`);
}
