import { Command, CommanderError } from 'commander';
import { addAgents } from './commands/agents.ts';
import { addApprove, addCancel, addPause } from './commands/steer.ts';
import { addBus } from './commands/bus.ts';
import { addClean } from './commands/clean.ts';
import { addDemo } from './commands/demo.ts';
import { addDoctor } from './commands/doctor.ts';
import { addEngine } from './commands/engine.ts';
import { addHostToken } from './commands/host-token.ts';
import { addImage } from './commands/image.ts';
import { addInit } from './commands/init.ts';
import { addLogs } from './commands/logs.ts';
import { addModels } from './commands/models.ts';
import { addPlan } from './commands/plan.ts';
import { addProjectCommands } from './commands/project.ts';
import { addPullRequests } from './commands/pr.ts';
import { addAnswer, addQuestions } from './commands/questions.ts';
import { addReplay } from './commands/replay.ts';
import { addResume } from './commands/resume.ts';
import { addRun } from './commands/run.ts';
import { addRuns } from './commands/runs.ts';
import { addState } from './commands/state.ts';
import { addStatus } from './commands/status.ts';
import { addTell } from './commands/tell.ts';
import { addWatch } from './commands/watch.ts';
import { addWorkerHost } from './commands/worker-host.ts';
import { addAttach, addWorkers } from './commands/workers.ts';
import { createContext } from './context.ts';
import { exitCodes } from './exit-codes.ts';
import type { CliIo } from './io.ts';
import { createSession, examples, type Session } from './session.ts';

/** The version of every package of the workspace. */
const version = '0.1.0';
const helpWidth = 80;

const exitCodeHelp = `
Exit codes: 0 ok, 1 failed, 2 usage, 3 engine unreachable, 4 set-up or
configuration, 5 run failed, 6 needs you, 7 budget, 124 timeout, 130 interrupt.
`;

function configure(program: Command, session: Session): void {
  program
    .name('agentcompany')
    .description('One instruction in, one pull request out.')
    .version(version)
    .option('--home <folder>', 'company home (AGENTCOMPANY_HOME)')
    .option('--json', 'print JSON; of long work one document a line')
    .option('-q, --quiet', 'print data and errors only')
    .option('--no-color', 'print without colours (NO_COLOR)')
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({
      writeOut: (text) => session.io.stdout.write(text),
      // What is wrong with a call is printed by `runProgram`, in the form of every error; help asked by mistake is talk.
      writeErr: (text) =>
        text.startsWith('error:') || text.startsWith('\n(') ? undefined : session.io.stderr.write(text),
      getOutHelpWidth: () => helpWidth,
      getErrHelpWidth: () => helpWidth,
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    })
    .exitOverride();
  examples(
    program,
    'agentcompany init',
    'agentcompany project add --path ~/code/tool',
    'agentcompany run "Name the license everywhere" --plan plan.yaml',
    'agentcompany status',
  );
  program.addHelpText('after', exitCodeHelp);
}

/** The whole command line; building it touches nothing. */
export function createProgram(session: Session): Command {
  const program = new Command();
  configure(program, session);
  const adders = [
    addInit,
    addDoctor,
    addDemo,
    addProjectCommands,
    addAgents,
    addModels,
    addImage,
    addPlan,
    addRun,
    addResume,
    addWatch,
    addStatus,
    addRuns,
    addWorkers,
    addAttach,
    addLogs,
    addReplay,
    addApprove,
    addQuestions,
    addAnswer,
    addTell,
    addCancel,
    addPause,
    addPullRequests,
    addClean,
    addBus,
    addState,
    addEngine,
    addWorkerHost,
    addHostToken,
  ];
  for (const add of adders) add(program, session);
  return program;
}

/** The command a call names, with its sub-command: as far as its words are commands. */
function commandPath(program: Command, argv: readonly string[]): string {
  let command = program;
  let path = program.name();
  for (const word of argv.slice(2).filter((given) => !given.startsWith('-'))) {
    const child = command.commands.find((candidate) => candidate.name() === word || candidate.aliases().includes(word));
    if (child === undefined) continue;
    command = child;
    path += ` ${child.name()}`;
    if (child.commands.length === 0) break;
  }
  return path;
}

async function failUsage(io: CliIo, program: Command, argv: readonly string[], error: CommanderError): Promise<number> {
  const { cliErrors } = await import('./errors.ts');
  const problem = error.message
    .replace(/^error: /, '')
    .replace(/\n\(Did you mean (.*)\?\)$/s, ', did you mean $1?')
    .replaceAll('\n', ' ');
  const help = `${commandPath(program, argv)} --help`;
  const context = createContext(io, {
    color: !argv.includes('--no-color'),
    ...(argv.includes('--json') ? { json: true } : {}),
  });
  return context.fail(cliErrors.AC_USAGE({ problem, help }));
}

/** Codes of commander for help and version that were asked for. */
const asked = new Set(['commander.helpDisplayed', 'commander.version']);

/**
 * Runs one call of the command line; resolves to the exit code (docs/cli.md). What a command could not foresee is printed as
 * `AC_CLI_BUG`, with the cause.
 */
export async function runProgram(argv: readonly string[], io: CliIo): Promise<number> {
  const session = createSession(io);
  const program = createProgram(session);
  try {
    await program.parseAsync([...argv]);
    return session.exitCode;
  } catch (cause) {
    if (cause instanceof CommanderError) {
      if (asked.has(cause.code)) return exitCodes.ok;
      // Help was printed because a command that has sub-commands was called alone.
      return cause.code === 'commander.help' ? exitCodes.usage : failUsage(io, program, argv, cause);
    }
    const { cliErrors } = await import('./errors.ts');
    const context = createContext(io, { color: false, ...(argv.includes('--json') ? { json: true } : {}) });
    return context.fail(cliErrors.AC_CLI_BUG({}, cause instanceof Error ? (cause.stack ?? cause.message) : cause));
  }
}
