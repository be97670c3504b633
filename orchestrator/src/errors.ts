import { errorCatalogue } from '@agentcompany/protocol';

/** Errors of configuration, home, projects, plan files and the facade (docs/errors.md). */
export const orchestratorErrors = errorCatalogue({
  AC_CONFIG_UNREADABLE: {
    message: 'the configuration file {file} cannot be read',
    remedy: 'Make {file} readable JSON, or move it away: every key has a default.',
    retry: 'never',
  },
  AC_CONFIG_INVALID: {
    message: 'the configuration is not valid: {field}: {problem}',
    remedy: 'Correct {field} in {source} (docs/configuration.md lists every key).',
    retry: 'never',
  },
  AC_CONFIG_UNKNOWN_KEY: {
    message: 'unknown configuration key {key}{suggestion}',
    remedy: 'Remove or rename {key} in {source} (docs/configuration.md lists every key).',
    retry: 'never',
  },
  AC_NO_HOME: {
    message: 'no company home was found: {detail}',
    remedy: 'Run `agentcompany init` in the folder that shall hold it, or name one with --home or AGENTCOMPANY_HOME.',
    retry: 'never',
  },
  AC_HOME_NETWORK_FS: {
    message: '{folder} lies on a network file system ({type}), where locks and fsync cannot be relied on',
    remedy: 'Put the company home on a local disk.',
    retry: 'never',
  },
  AC_HOME_UNSAFE: {
    message: '{folder} can be written by other users of this machine (mode {mode})',
    remedy: 'Run `chmod 700 {folder}` after looking at what others may have left in it.',
    retry: 'never',
  },
  AC_HOME_UNWRITABLE: {
    message: '{folder} cannot be created or written',
    remedy: 'Give the user that runs agentcompany write access to {folder}, and make sure the disk is not full.',
    retry: 'later',
  },
  AC_EXCHANGE_FILES: {
    message: 'an exchange with a model cannot be read or written at {file}',
    remedy:
      'Make sure that the disk is not full and that the folder belongs to the user that runs agentcompany, or set record_models to false.',
    retry: 'later',
  },
  AC_HOME_DAMAGED: {
    message: '{file} is not what `agentcompany init` wrote',
    remedy: 'Restore {file} from a backup; run `agentcompany init` to write a new one where it is missing.',
    retry: 'never',
  },
  AC_PROJECTS_UNREADABLE: {
    message: 'the project registry {file} cannot be read: {problem}',
    remedy: 'Correct {file}, or move it away and add the projects again.',
    retry: 'never',
  },
  AC_PROJECTS_BUSY: {
    message: 'another command is changing the project registry',
    remedy: 'Try again in a moment.',
    retry: 'later',
  },
  AC_PROJECT_EXISTS: {
    message: 'a project {id} exists already ({source})',
    remedy: 'Choose another --id, or remove the old one with `agentcompany project remove {id}`.',
    retry: 'never',
  },
  AC_PROJECT_UNKNOWN: {
    message: 'there is no project {id}{suggestion}',
    remedy: 'List the projects with `agentcompany project list`, or add one with `agentcompany project add`.',
    retry: 'never',
  },
  AC_PROJECT_INVALID: {
    message: 'the project is not valid: {field}: {problem}',
    remedy: 'Correct {field}; see `agentcompany project add --help`.',
    retry: 'never',
  },
  AC_PROJECT_URL_REFUSED: {
    message: '{problem}',
    remedy:
      'Give https://HOST/PATH or ssh://USER@HOST/PATH; a folder of this machine goes by `agentcompany project add --path DIR`.',
    retry: 'never',
  },
  AC_PROJECT_NOT_REPOSITORY: {
    message: '{path} is not a git repository',
    remedy: 'Name the top folder of a repository (or a bare one); `git init` makes one.',
    retry: 'never',
  },
  AC_PROJECT_BRANCH_UNKNOWN: {
    message: 'the default branch of {path} cannot be told: its HEAD names no branch',
    remedy: 'Give it with --default-branch NAME.',
    retry: 'never',
  },
  AC_PROJECT_CREDENTIALS: {
    message: 'project {id} asks for ssh_agent credentials, which let git use every key of your agent',
    remedy: 'Use a deploy_key or a token, or set allow_ssh_agent to true in the configuration.',
    retry: 'never',
  },
  AC_PLAN_UNREADABLE: {
    message: 'the plan file {file} cannot be read',
    remedy: 'Name an existing YAML or JSON file (docs/plan-files.md).',
    retry: 'never',
  },
  AC_PLAN_TOO_LARGE: {
    message: '{file} has more than {limit} bytes',
    remedy: 'Split it: a plan file may have 4 MiB, a script 1 MiB.',
    retry: 'never',
  },
  AC_PLAN_INVALID: {
    message: 'the plan is not valid: {problem}{where}',
    remedy: 'Correct the named field (docs/plan-files.md describes every field).',
    retry: 'never',
  },
  AC_PLAN_SCRIPT_REFUSED: {
    message: 'script_file {script} is refused: {problem}{where}',
    remedy: 'Name a readable file that lies beside the plan file or in a folder below it.',
    retry: 'never',
  },
  AC_PLAN_EMPTY: {
    message: 'the plan has no tasks{where}',
    remedy: 'Give the plan at least one task.',
    retry: 'never',
  },
  AC_PLAN_DUPLICATE_TASK: {
    message: 'two tasks have the id {task}{where}',
    remedy: 'Give every task an id of its own.',
    retry: 'never',
  },
  AC_PLAN_UNKNOWN_DEPENDENCY: {
    message: 'task {task} depends on {dependency}, which the plan does not have{where}',
    remedy: 'Correct depends_on of {task}, or add the task {dependency}.',
    retry: 'never',
  },
  AC_PLAN_CYCLE: {
    message: 'tasks wait for each other in a circle: {cycle}{where}',
    remedy: 'Remove one of these dependencies.',
    retry: 'never',
  },
  AC_INSTRUCTION_EMPTY: {
    message: 'the instruction is empty',
    remedy: 'Say what shall be done: `agentcompany run "Add a changelog" --project ID`.',
    retry: 'never',
  },
  AC_MODEL_UNAVAILABLE: {
    message: 'there is no plan, and no model that could make one: {detail}',
    remedy: 'Give a plan file with --plan FILE (docs/plan-files.md), or set `model` (docs/models.md).',
    retry: 'never',
  },
  AC_RUN_UNKNOWN: {
    message: 'there is no run {run}',
    remedy: 'List the runs with `agentcompany runs list`.',
    retry: 'never',
  },
  AC_RUN_AMBIGUOUS: {
    message: '{run} is the beginning of more than one run: {candidates}',
    remedy: 'Give more characters of the id.',
    retry: 'never',
  },
  AC_RUN_ENDED: {
    message: 'run {run} has ended ({state})',
    remedy: 'Start a new run with `agentcompany run`.',
    retry: 'never',
  },
  AC_APPROVAL_NONE: {
    message: 'run {run} has no open approval',
    remedy: 'Look at it with `agentcompany runs show {run}`.',
    retry: 'never',
  },
  AC_APPROVAL_EXPIRED: {
    message: 'the approval {approval} of run {run} expired at {expired}',
    remedy: 'Run `agentcompany resume {run}`: it asks again.',
    retry: 'never',
  },
  AC_ENGINE_RUNNING: {
    message: 'the engine of this company runs already in process {pid}',
    remedy: 'Let it work, and follow with `agentcompany watch RUN`; or end that process first.',
    retry: 'later',
  },
  AC_NODE_UNSUPPORTED: {
    message: 'Node {version} is too old',
    remedy: 'Install Node {minimum} or later.',
    retry: 'never',
  },
  AC_GIT_ABSENT: {
    message: 'git cannot be started',
    remedy: 'Install git {minimum} or later.',
    retry: 'never',
  },
  AC_GIT_TOO_OLD: {
    message: 'git {version} is too old',
    remedy: 'Install git {minimum} or later.',
    retry: 'never',
  },
});
