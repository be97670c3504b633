import { errorCatalogue } from '@agentcompany/protocol';

/** Errors of the command line itself (docs/errors.md). */
export const cliErrors = errorCatalogue({
  AC_USAGE: {
    message: '{problem}',
    remedy: 'See `{help}`.',
    retry: 'never',
  },
  AC_INSTRUCTION_IS_COMMAND: {
    message: '"{word}" is a command, not an instruction',
    remedy: 'Run `{command}`; or say in more words what shall be done.',
    retry: 'never',
  },
  AC_INPUT_UNREADABLE: {
    message: 'standard input cannot be read: {problem}',
    remedy: 'Give at most {limit} bytes of UTF-8 text.',
    retry: 'never',
  },
  AC_PROJECT_UNNAMED: {
    message: 'which project is not clear: this company has {count}',
    remedy: 'Name it with --project ID (`agentcompany project list`), or add one with `agentcompany project add`.',
    retry: 'never',
  },
  AC_RUN_UNFINISHED: {
    message: 'run {run} is {state}',
    remedy: 'Go on with `agentcompany resume {run}`.',
    retry: 'later',
  },
  AC_RUN_NEEDS_PERSON: {
    message: 'run {run} waits for you: {state}',
    remedy: 'Look at `agentcompany runs show {run}`, then `{command}`, or `agentcompany cancel {run}`.',
    retry: 'never',
  },
  AC_RUN_NOT_SUCCESSFUL: {
    message: 'run {run} {ended}',
    remedy: '{advice}`agentcompany runs show {run}` shows how it stands.',
    retry: 'never',
  },
  AC_TIMEOUT: {
    message: '{runs} not done after {seconds} s',
    remedy: 'Go on with `{resume}`, or look with `{look}`.',
    retry: 'later',
  },
  AC_INTERRUPTED: {
    message: 'interrupted{detail}',
    remedy: 'Go on with `agentcompany resume`.',
    retry: 'later',
  },
  AC_WORKER_UNKNOWN: {
    message: 'no worker {worker} is at work (at work: {working})',
    remedy: 'List them with `agentcompany workers`; `agentcompany logs RUN` shows those that have ended.',
    retry: 'never',
  },
  AC_WORKER_AMBIGUOUS: {
    message: 'several workers are called {worker}: {candidates}',
    remedy: 'Name the attempt instead, by the beginning of its id.',
    retry: 'never',
  },
  AC_DOCTOR_FAILED: {
    message: '{count} of {total} checks failed',
    remedy: 'Follow the remedy of each, then run `agentcompany doctor` again.',
    retry: 'never',
  },
  AC_CLI_BUG: {
    message: 'the command line failed unexpectedly',
    remedy: 'This is a bug of AgentCompany; your runs are on record and `agentcompany resume` goes on with them.',
    retry: 'never',
  },
});
