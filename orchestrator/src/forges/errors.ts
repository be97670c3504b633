import { errorCatalogue } from '@agentcompany/protocol';

/** Errors of the places where pull requests live. */
export const forgeErrors = errorCatalogue({
  AC_FORGE_UNREACHABLE: {
    message: 'the forge at {place} cannot be used',
    remedy: 'Check that it exists and that this user may write there, then resume.',
    retry: 'later',
  },
  AC_FORGE_ABSENT: {
    message: 'no pull request can be opened at {place}: its forge has no adapter',
    remedy: 'The branch is pushed; open the pull request there by hand, then cancel the run to end it here.',
    retry: 'never',
  },
  AC_FORGE_RECORD_INVALID: {
    message: 'the pull request record {file} cannot be read',
    remedy: 'Restore the file from a backup, or upgrade AgentCompany if a newer version wrote it.',
    retry: 'never',
  },
  AC_PULL_REQUEST_UNKNOWN: {
    message: 'there is no pull request {number}',
    remedy: 'List them with `agentcompany pr list`.',
    retry: 'never',
  },
  AC_PULL_REQUEST_BRANCH_UNKNOWN: {
    message: 'the repository has no branch {branch}',
    remedy: 'Push the branch, or correct the name of the base branch in the project.',
    retry: 'never',
  },
  AC_PULL_REQUEST_CONFLICT: {
    message: 'pull request {number} conflicts with {base} in: {paths}',
    remedy: 'Resume the run so that it takes the moved base in, or merge by hand.',
    retry: 'never',
  },
  AC_PULL_REQUEST_CLOSED: {
    message: 'pull request {number} is closed',
    remedy: 'Its branch was deleted without a merge. Start a new run.',
    retry: 'never',
  },
  AC_PULL_REQUEST_CHECKED_OUT: {
    message:
      'the base branch {base} is checked out in {folder}, where a merge behind its back would look like undone work',
    remedy: 'Merge there, `git -C {folder} merge {branch}`, then run `agentcompany pr merge` again: it takes note.',
    retry: 'never',
  },
});
