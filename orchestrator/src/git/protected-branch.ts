import { failure, success, type Result } from '@agentcompany/protocol';
import { gitErrors } from './errors.ts';

/** Branches that are nobody's to write, whatever the project says its default is. */
const alwaysProtected = ['main', 'master', 'HEAD'];

/** The branch a spelling means to git: `+refs/heads/Main` and `heads/main` are `main`. Case is dropped, for forges and file systems that drop it. */
function plainName(spelling: string): string {
  return spelling
    .trim()
    .replace(/^\+/u, '')
    .replace(/^(?:refs\/)?(?:heads\/|remotes\/[^/]+\/)/u, '')
    .toLowerCase();
}

/** True where `spelling` means a default branch: `main`, `master`, or one of `protectedBranches`, however written. */
export function isProtectedBranch(spelling: string, protectedBranches: readonly string[]): boolean {
  const destination = plainName(spelling.split(':').at(-1) ?? spelling);
  return [...alwaysProtected, ...protectedBranches].some((branch) => plainName(branch) === destination);
}

/**
 * The guard before every merge (C22): work is merged into a run's branch, or into an integration branch of its own;
 * never into the default branch under any spelling. Error: `AC_MERGE_TARGET_PROTECTED`.
 */
export function assertMergeTarget(
  target: string,
  project: { readonly defaultBranch: string; readonly integrationBranch: string },
): Result<undefined> {
  const refused = failure(gitErrors.AC_MERGE_TARGET_PROTECTED({ target }));
  if (/^refs\/agentcompany\/runs\/[A-Za-z0-9][A-Za-z0-9_-]*$/u.test(target)) return success();
  if (isProtectedBranch(target, [project.defaultBranch])) return refused;
  const allowed = [project.integrationBranch, `refs/heads/${project.integrationBranch}`];
  return allowed.includes(target) ? success() : refused;
}
