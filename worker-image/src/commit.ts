import { failure, success, type Result, type WorkOrder } from '@agentcompany/protocol';
import { workerErrors } from './errors.ts';
import { git, type GitPlace } from './git.ts';

export interface CommittedWork {
  readonly commit: string;
  readonly tree: string;
}

type TaskOrder = Extract<WorkOrder, { kind: 'task' }>;

/** Commits what the agent left uncommitted; a task that may be empty gets an empty commit, so that there is something to hand over. */
async function commitRest(order: TaskOrder, place: GitPlace): Promise<Result<string>> {
  const added = await git(place, ['add', '--all']);
  if (!added.ok) return added;
  const tree = await git(place, ['write-tree']);
  if (!tree.ok) return tree;
  const headTree = await git(place, ['rev-parse', '--verify', 'HEAD^{tree}']);
  if (!headTree.ok) return headTree;
  const head = await git(place, ['rev-parse', '--verify', 'HEAD^{commit}']);
  if (!head.ok) return head;
  const mustBeEmpty = tree.value === headTree.value && head.value === order.base_oid && order.allow_empty;
  if (tree.value === headTree.value && !mustBeEmpty) return head;
  const committed = await git(place, ['commit', '--quiet', '--no-verify', '--allow-empty', '--message', order.title]);
  return committed.ok ? git(place, ['rev-parse', '--verify', 'HEAD^{commit}']) : committed;
}

/** Commits the task's work. Errors: `AC_WORK_EMPTY`, `AC_WORK_NOT_DESCENDANT`, `AC_WORK_GIT`, `AC_WORKSPACE_FULL`. */
export async function commitWork(order: TaskOrder, place: GitPlace): Promise<Result<CommittedWork>> {
  const commit = await commitRest(order, place);
  if (!commit.ok) return commit;
  const trees = await git(place, ['rev-parse', '--verify', `${commit.value}^{tree}`]);
  if (!trees.ok) return trees;
  const baseTree = await git(place, ['rev-parse', '--verify', `${order.base_oid}^{tree}`]);
  if (!baseTree.ok) return baseTree;
  if (trees.value === baseTree.value && !order.allow_empty) return failure(workerErrors.AC_WORK_EMPTY());
  const descends = await git(place, ['merge-base', '--is-ancestor', order.base_oid, commit.value], (output) =>
    workerErrors.AC_WORK_NOT_DESCENDANT({ commit: order.base_oid }, output),
  );
  return descends.ok ? success({ commit: commit.value, tree: trees.value }) : descends;
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
