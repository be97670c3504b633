import { success, type IngestedCommit, type Result } from '@agentcompany/protocol';
import { readCommit, type BareRepository } from './bare-repository.ts';
import { readBlobs } from './blobs.ts';
import { isPackageManifest, protectedPaths } from './protected-paths.ts';
import { changedPath, countedDiff, type CountedDiff } from './raw-diff.ts';

const manifestBytes = 1024 * 1024;

/** What is true of a commit against its base. A pure function of the two: asked again it answers the same. */
export async function describeCommit(
  repository: BareRepository,
  base: string,
  commit: string,
): Promise<Result<IngestedCommit>> {
  const facts = await readCommit(repository, commit);
  if (!facts.ok) return facts;
  const diff = await countedDiff(repository, base, commit);
  if (!diff.ok) return diff;
  return describeDiff(repository, { commit, tree: facts.value.tree, base, diff: diff.value });
}

/** The same, from a difference that is known already. */
export async function describeDiff(
  repository: BareRepository,
  known: { readonly commit: string; readonly tree: string; readonly base: string; readonly diff: CountedDiff },
): Promise<Result<IngestedCommit>> {
  const { changes, insertions, deletions } = known.diff;
  const manifests = changes
    .filter(({ path }) => isPackageManifest(path))
    .flatMap(({ oldOid, newOid }) => [oldOid, newOid]);
  const contents = await readBlobs(
    repository,
    manifests.filter((oid) => !/^0+$/u.test(oid)),
    manifestBytes,
  );
  if (!contents.ok) return contents;
  return success({
    commit: known.commit,
    tree: known.tree,
    base_oid: known.base,
    changes: changes.map(changedPath),
    insertions,
    deletions,
    protected_paths: protectedPaths(changes, contents.value),
  });
}
