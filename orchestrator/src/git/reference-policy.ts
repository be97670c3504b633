import { failure, success, type Result } from '@agentcompany/protocol';
import { gitErrors } from './errors.ts';

const branchName = /^[A-Za-z0-9][A-Za-z0-9._/-]{0,200}$/;
const objectName = /^[0-9a-f]{40}$/;
const referencePart = /^[A-Za-z0-9][A-Za-z0-9_-]{0,100}$/;

/**
 * Judges a branch name from outside (S31): the pattern, and the rules of `git check-ref-format` that the pattern lets by.
 * `refs/heads/main` is not a name but a reference, and refused. Error: `AC_BRANCH_REFUSED`.
 */
export function judgeBranch(branch: string): Result<string> {
  if (!branchName.test(branch)) return refuse('it holds a character that is not allowed, or is too long');
  if (branch.includes('..') || branch.includes('//')) return refuse('it holds two dots or slashes in a row');
  if (branch.startsWith('refs/')) return refuse('it is a reference, not the name of a branch');
  const parts = branch.split('/');
  if (parts.some((part) => part === '' || part.startsWith('.') || part.endsWith('.') || part.endsWith('.lock'))) {
    return refuse('a part of it is empty, begins or ends with a dot, or ends with .lock');
  }
  if (parts.some((part) => part.startsWith('-'))) return refuse('a part of it begins with a hyphen');
  if (branch === 'HEAD' || objectName.test(branch)) return refuse('it reads as something else to git');
  return success(branch);
}

function refuse(reason: string): Result<never> {
  return failure(gitErrors.AC_BRANCH_REFUSED({ reason }));
}

/** A full SHA-1 object name, else `AC_OBJECT_NAME_INVALID`. */
export function judgeObjectName(value: string): Result<string> {
  return objectName.test(value)
    ? success(value)
    : failure(gitErrors.AC_OBJECT_NAME_INVALID({ value: value.slice(0, 80) }));
}

/** Where the merged work of a run stands, in the mirror. Error: `AC_BRANCH_REFUSED` for an id that is not one of ours. */
export function runReference(runId: string): Result<string> {
  return ownReference('refs/agentcompany/runs', runId);
}

/** Where the ingested commit of an attempt stands, in the vault. Error: `AC_BRANCH_REFUSED`. */
export function attemptReference(attemptId: string): Result<string> {
  return ownReference('refs/agentcompany/attempts', attemptId);
}

/** What keeps a tip of a run that its restored ledger knows nothing of, in the mirror. Error: `AC_BRANCH_REFUSED`. */
export function supersededReference(runId: string, oid: string): Result<string> {
  const run = ownReference('refs/agentcompany/superseded', runId);
  return run.ok ? ownReference(run.value, oid) : run;
}

function ownReference(prefix: string, id: string): Result<string> {
  return referencePart.test(id) ? success(`${prefix}/${id}`) : refuse('it is not the id of a run or an attempt');
}
