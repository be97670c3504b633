import { success, type IngestedCommit, type Result } from '@agentcompany/protocol';
import { treeOf, type BareRepository } from './bare-repository.ts';
import { readBlobs } from './blobs.ts';
import { isPackageManifest, protectedPaths } from './protected-paths.ts';
import { changedPath, rawChanges, splitNul } from './raw-diff.ts';

const manifestBytes = 1024 * 1024;

/** What is true of a commit against its base. A pure function of the two: asked again it answers the same. */
export async function describeCommit(
  repository: BareRepository,
  base: string,
  commit: string,
): Promise<Result<IngestedCommit>> {
  const tree = await treeOf(repository, commit);
  if (!tree.ok) return tree;
  const changes = await rawChanges(repository, base, commit);
  if (!changes.ok) return changes;
  const manifests = changes.value
    .filter(({ path }) => isPackageManifest(path))
    .flatMap(({ oldOid, newOid }) => [oldOid, newOid]);
  const contents = await readBlobs(
    repository,
    manifests.filter((oid) => !/^0+$/u.test(oid)),
    manifestBytes,
  );
  if (!contents.ok) return contents;
  const lines = await countLines(repository, base, commit);
  if (!lines.ok) return lines;
  return success({
    commit,
    tree: tree.value,
    base_oid: base,
    changes: changes.value.map(changedPath),
    ...lines.value,
    protected_paths: protectedPaths(changes.value, contents.value),
  });
}

async function countLines(
  repository: BareRepository,
  from: string,
  to: string,
): Promise<Result<{ readonly insertions: number; readonly deletions: number }>> {
  const answer = await repository.run({
    arguments: [
      'diff-tree',
      '-r',
      '-z',
      '--numstat',
      '--no-renames',
      '--no-ext-diff',
      '--no-textconv',
      '--end-of-options',
      from,
      to,
    ],
    gitDir: repository.folder,
    outputLimit: 64 * 1024 * 1024,
    timeoutMs: 180_000,
  });
  if (!answer.ok) return answer;
  let insertions = 0;
  let deletions = 0;
  for (const field of splitNul(answer.value.stdout)) {
    // A binary file has `-` for both numbers.
    const [added = '-', removed = '-'] = field.toString('latin1').split('\t');
    if (added !== '-') insertions += Number(added);
    if (removed !== '-') deletions += Number(removed);
  }
  return success({ insertions, deletions });
}
