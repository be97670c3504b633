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

/** Commits what the agent left uncommitted; a task that may be empty gets an empty commit, so that there is something to hand over. */
async function commitRest(
  order: TaskOrder,
  place: GitPlace,
): Promise<Result<CommittedWork & { readonly baseTree: string }>> {
  const added = await git(place, ['add', '--all']);
  if (!added.ok) return added;
  const written = await git(place, ['write-tree']);
  if (!written.ok) return written;
  const before = await objectNames(place, ['HEAD^{commit}', 'HEAD^{tree}', `${order.base_oid}^{tree}`]);
  if (!before.ok) return before;
  const [head = '', headTree = '', baseTree = ''] = before.value;
  const mustBeEmpty = written.value === headTree && head === order.base_oid && order.allow_empty;
  if (written.value === headTree && !mustBeEmpty) return success({ commit: head, tree: headTree, baseTree });
  const committed = await git(place, ['commit', '--quiet', '--no-verify', '--allow-empty', '--message', order.title]);
  if (!committed.ok) return committed;
  const after = await objectNames(place, ['HEAD^{commit}', 'HEAD^{tree}']);
  if (!after.ok) return after;
  const [commit = '', tree = ''] = after.value;
  return success({ commit, tree, baseTree });
}

/** Commits the task's work. Errors: `AC_WORK_EMPTY`, `AC_WORK_NOT_DESCENDANT`, `AC_WORK_GIT`, `AC_WORKSPACE_FULL`. */
export async function commitWork(order: TaskOrder, place: GitPlace): Promise<Result<CommittedWork>> {
  const work = await commitRest(order, place);
  if (!work.ok) return work;
  const { commit, tree, baseTree } = work.value;
  if (tree === baseTree && !order.allow_empty) return failure(workerErrors.AC_WORK_EMPTY());
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
