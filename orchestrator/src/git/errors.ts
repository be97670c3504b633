import { errorCatalogue } from '@agentcompany/protocol';

/** Errors of the host's git side: addresses, references, transfers, ingest, merges and pushes. */
export const gitErrors = errorCatalogue({
  AC_GIT_UNAVAILABLE: {
    message: 'git could not be started',
    remedy: 'Install git 2.39 or newer at /usr/bin/git.',
    retry: 'never',
  },
  AC_GIT_FAILED: {
    message: 'git {command} ended with code {code}',
    remedy: 'The cause holds what git said. `agentcompany doctor` checks git and the company folders.',
    retry: 'later',
  },
  AC_GIT_TIMEOUT: {
    message: 'git {command} did not end within {seconds} s and was killed',
    remedy: 'Check the network and the disk, then resume.',
    retry: 'later',
  },
  AC_GIT_INTERRUPTED: {
    message: 'git {command} was under way when the process that starts programs for the engine ended',
    remedy: 'Nothing to do: it is started anew and the step is repeated. The engine’s log says how that process ended.',
    retry: 'later',
  },
  AC_GIT_OUTPUT_TOO_LARGE: {
    message: 'git {command} printed more than {limit} bytes and was killed',
    remedy: 'The repository or the change is beyond what is handled. Split it.',
    retry: 'never',
  },
  AC_GIT_DISK_FULL: {
    message: 'git {command} found no room on the disk',
    remedy: 'Free space where the company keeps its data, then resume. Nothing accepted so far is lost.',
    retry: 'later',
  },
  AC_GIT_LOCKED: {
    message: 'a git reference is locked by another process',
    remedy: 'Try again; a lock left behind by a dead process is removed when it is older than {seconds} s.',
    retry: 'later',
  },
  AC_GIT_UNREACHABLE: {
    message: 'the repository {url} could not be reached',
    remedy: 'Check the address, the network and that the repository exists, then resume.',
    retry: 'later',
  },
  AC_GIT_CREDENTIALS: {
    message: 'the repository {url} refused the credentials',
    remedy:
      'Let this user read it without being asked, for example by an ssh key, or add the project by `--path` from a clone of it.',
    retry: 'never',
  },
  AC_GIT_HOST_KEY: {
    message: 'the host key of {url} is unknown or has changed',
    remedy: 'Compare the key with the one its operator publishes, then add it to known_hosts (`ssh-keyscan HOST`).',
    retry: 'never',
  },
  AC_GIT_REDIRECT: {
    message: 'the repository {url} answered with a redirect, which is not followed',
    remedy: 'Register the project with the address it redirects to, if you trust it.',
    retry: 'never',
  },
  AC_GIT_OBJECTS_INVALID: {
    message: 'the repository {url} holds objects that git refuses as malformed',
    remedy: 'Run `git fsck --strict` there; the cause names the rule.',
    retry: 'never',
  },
  AC_REPOSITORY_EMPTY: {
    message: 'the repository {url} has no branch',
    remedy: 'Push a first commit to it.',
    retry: 'never',
  },
  AC_REPOSITORY_SHALLOW: {
    message: 'the repository {url} is a shallow clone, from which no history can be taken',
    remedy: 'Run `git fetch --unshallow` there, or register the repository it was cloned from.',
    retry: 'never',
  },
  AC_REPOSITORY_FORMAT: {
    message: 'the repository {url} names its objects by SHA-256, which is not supported',
    remedy: 'Use a repository in the SHA-1 format.',
    retry: 'never',
  },
  AC_GIT_URL_REFUSED: {
    message: 'the address is refused: {reason}',
    remedy:
      'Use https://host/path or ssh://user@host/path. A folder is added with `agentcompany project add --path DIR`.',
    retry: 'never',
  },
  AC_BRANCH_REFUSED: {
    message: 'the branch name is refused: {reason}',
    remedy: 'Use letters, digits, `.`, `_`, `-` and `/`, beginning with a letter or digit, at most 201 characters.',
    retry: 'never',
  },
  AC_BRANCH_UNKNOWN: {
    message: 'there is no branch {branch}',
    remedy: 'Check the name of the branch in the project, and that it was pushed.',
    retry: 'never',
  },
  AC_OBJECT_NAME_INVALID: {
    message: 'not a full git object name or a known commit: {value}',
    remedy: 'Give the 40 hexadecimal digits of a commit that the project holds.',
    retry: 'never',
  },
  AC_TREE_TOO_LARGE: {
    message: 'the folder of the repository has {files} files of {bytes} bytes, which is more than is read',
    remedy: 'Name a smaller folder as the context, or list in .dockerignore what the build does not need.',
    retry: 'never',
  },
  AC_INGEST_REFUSED: {
    message: 'the result of attempt {attempt} was refused by rule {rule}',
    remedy: 'The cause holds the detail. Correct the task in the plan, then start a new run.',
    retry: 'never',
  },
  AC_PATH_REFUSED: {
    message: 'the result of attempt {attempt} holds a path refused by rule {rule}',
    remedy: 'The cause names the path. Keep it out of the task, then start a new run.',
    retry: 'never',
  },
  AC_INGEST_NOT_DESCENDANT: {
    message: 'the result of attempt {attempt} does not descend from its base',
    remedy: 'Its command must add commits to the one it was given: correct it, then start a new run.',
    retry: 'never',
  },
  AC_INGEST_TOO_LARGE: {
    message: 'the result of attempt {attempt} is beyond the limit of {limit}',
    remedy: 'Split the task, or keep large generated files out of the repository.',
    retry: 'never',
  },
  AC_MERGE_TARGET_PROTECTED: {
    message: 'merging into {target} is not allowed',
    remedy:
      'Work is merged into run branches or an integration branch; the default branch changes by a pull request only.',
    retry: 'never',
  },
  AC_GIT_REFERENCE_MOVED: {
    message: '{reference} moved while it was being updated',
    remedy: 'Nothing was lost: the step is decided again.',
    retry: 'now',
  },
  AC_PUSH_REFUSED: {
    message: 'the push of {branch} was refused by the remote',
    remedy:
      'The branch is kept in the project mirror. Give this user the right to write there (a read-only key cannot push), then `agentcompany resume`.',
    retry: 'never',
  },
  AC_PUSH_OVERTAKEN: {
    message: 'the branch {branch} was moved or locked at the remote while it was pushed',
    remedy:
      'Nothing at first: it is looked at and pushed again. Where it stays so, see what else pushes to this branch or left a lock there, then `agentcompany resume`.',
    retry: 'later',
  },
  AC_PUSH_PROTECTED: {
    message: 'pushing to {branch} is not allowed',
    remedy: 'Only branches named `agent/…` are pushed; the default branch changes by a pull request only.',
    retry: 'never',
  },
});
