import type { Result } from '@agentcompany/protocol';
import { openBareRepository, readCommit } from './bare-repository.ts';
import { judgeBranch, judgeObjectName } from './reference-policy.ts';
import { createGitRunner } from './runner.ts';
import { updateReference } from './update-reference.ts';

/**
 * Makes a bare repository in `folder` whose `branches` stand at `oid`, as a project's source stood once. It borrows the objects of the
 * mirror, which has to stay. Errors: `AC_OBJECT_NAME_INVALID` where the mirror does not hold the commit, those of git.
 */
export async function createReplaySource(options: {
  readonly folder: string;
  readonly mirrorFolder: string;
  readonly oid: string;
  readonly branches: readonly string[];
}): Promise<Result<undefined>> {
  const { folder, mirrorFolder, oid, branches } = options;
  const repository = { folder, run: createGitRunner() };
  const judged = judgeObjectName(oid);
  if (!judged.ok) return judged;
  const created = await openBareRepository(repository, { worldReadable: false, borrowsFrom: mirrorFolder });
  if (!created.ok) return created;
  const held = await readCommit(repository, oid);
  if (!held.ok) return held;
  for (const branch of new Set(branches)) {
    const allowed = judgeBranch(branch);
    if (!allowed.ok) return allowed;
    const reference = `refs/heads/${branch}`;
    const updated = await updateReference(repository, { reference, next: oid, previous: null });
    if (!updated.ok) return updated;
  }
  return { ok: true, value: undefined };
}

/** The tree of a commit that the repository holds. Errors: `AC_OBJECT_NAME_INVALID`, those of git. */
export async function treeOf(folder: string, oid: string): Promise<Result<string>> {
  const judged = judgeObjectName(oid);
  if (!judged.ok) return judged;
  const commit = await readCommit({ folder, run: createGitRunner() }, oid);
  return commit.ok ? { ok: true, value: commit.value.tree } : commit;
}
