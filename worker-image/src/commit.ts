import { failure, success, type Result, type WorkOrder, workerErrors } from '@agentcompany/protocol';
import { git, type GitPlace } from './git.ts';

export interface CommittedWork {
  readonly commit: string;
  readonly tree: string;
}

type TaskOrder = Extract<WorkOrder, { kind: 'task' }>;

/** The object names of several revisions, asked for at once: every program that starts costs the worker time. */
async function objectNames(place: GitPlace, revisions: readonly string[]): Promise<Result<readonly string[]>> {
  const answer = await git(place, ['rev-parse', ...revisions]);
  return answer.ok ? success(answer.value.split('\n')) : answer;
}

interface Written extends CommittedWork {
  readonly baseTree: string;
  /** Where HEAD was: the commit itself, or its only parent. */
  readonly head: string;
}

/**
 * Commits what the agent left uncommitted; a task that may be empty gets an empty commit, so that there is something to hand over. HEAD stays:
 * a commit is named by what comes next.
 */
async function commitRest(order: TaskOrder, place: GitPlace): Promise<Result<Written>> {
  const added = await git(place, ['add', '--all']);
  if (!added.ok) return added;
  const [written, before] = await Promise.all([
    git(place, ['write-tree']),
    objectNames(place, ['HEAD^{commit}', 'HEAD^{tree}', `${order.base_oid}^{tree}`]),
  ]);
  if (!written.ok) return written;
  if (!before.ok) return before;
  const tree = written.value;
  const [head = '', headTree = '', baseTree = ''] = before.value;
  const mustBeEmpty = tree === headTree && head === order.base_oid && order.allow_empty;
  if (tree === headTree && !mustBeEmpty) return success({ commit: head, tree, baseTree, head });
  const committed = await git(place, ['commit-tree', '-p', head, '-m', order.title, tree]);
  return committed.ok ? success({ commit: committed.value, tree, baseTree, head }) : committed;
}

/** Commits the task's work. Errors: `AC_WORK_EMPTY`, `AC_WORK_NOT_DESCENDANT`, `AC_WORK_GIT`, `AC_WORKSPACE_FULL`. */
export async function commitWork(order: TaskOrder, place: GitPlace): Promise<Result<CommittedWork>> {
  const work = await commitRest(order, place);
  if (!work.ok) return work;
  const { commit, tree, baseTree, head } = work.value;
  if (tree === baseTree && !order.allow_empty) return failure(workerErrors.AC_WORK_EMPTY());
  // Only an agent's own commits have a history to look at.
  if (head === order.base_oid) return success({ commit, tree });
  const descends = await git(place, ['merge-base', '--is-ancestor', order.base_oid, commit], (output) =>
    workerErrors.AC_WORK_NOT_DESCENDANT({ commit: order.base_oid }, output),
  );
  return descends.ok ? success({ commit, tree }) : descends;
}

/** Makes the work tree exactly the commit: what is ignored or was left lying about must not decide a check. */
export async function resetToCommit(commit: string, place: GitPlace): Promise<Result<string>> {
  const reset = await git(place, ['checkout', '--quiet', '--force', '--detach', commit, '--']);
  return reset.ok ? git(place, ['clean', '--quiet', '-ffdx']) : reset;
}

/** Writes a bundle with exactly one ref, whose prerequisite is the base. */
export async function writeBundle(
  order: TaskOrder,
  commit: string,
  file: string,
  place: GitPlace,
): Promise<Result<string>> {
  const named = await git(place, ['update-ref', order.result_ref, commit]);
  if (!named.ok) return named;
  return git(place, ['bundle', 'create', '--quiet', file, order.result_ref, `^${order.base_oid}`]);
}
