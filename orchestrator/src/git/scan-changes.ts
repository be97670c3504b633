import { success, type Result } from '@agentcompany/protocol';
import type { BareRepository } from './bare-repository.ts';
import { blobSizes, readBlobs } from './blobs.ts';
import { rawChanges, type RawChange } from './raw-diff.ts';
import type { FoundInChange } from './repositories.ts';

/** Bytes of a file that is looked through, and of those in memory at once. */
const maxBytes = 16 * 1024 * 1024;
const atOnce = 64 * 1024 * 1024;

/** What `find` sees in the names and contents that `to` has and `from` had not, at the same path. Larger files are passed over. */
export async function scanChanges(
  repository: BareRepository,
  { from, to, find }: { readonly from: string; readonly to: string; find(text: string): readonly string[] },
): Promise<Result<readonly FoundInChange[]>> {
  const changes = await rawChanges(repository, from, to);
  if (!changes.ok) return changes;
  const present = changes.value.filter(({ status, new_mode: mode }) => status !== 'D' && mode !== '160000');
  const sizes = await blobSizes(
    repository,
    present.flatMap(({ oldOid, newOid }) => [oldOid, newOid]),
  );
  if (!sizes.ok) return sizes;
  const found: FoundInChange[] = [];
  for (const group of groups(present, sizes.value)) {
    const contents = await readBlobs(
      repository,
      group.flatMap(({ oldOid, newOid }) => [oldOid, newOid]),
      maxBytes,
    );
    if (!contents.ok) return contents;
    const findIn = (oid: string): readonly string[] => find(contents.value.get(oid)?.toString('latin1') ?? '');
    for (const { path, oldOid, newOid } of group) {
      const now = [...find(path), ...findIn(newOid)];
      const before = now.length === 0 ? [] : findIn(oldOid);
      found.push(...now.filter((what) => !before.includes(what)).map((what) => ({ path, what })));
    }
  }
  return success(found);
}

function groups(changes: readonly RawChange[], sizes: ReadonlyMap<string, number>): readonly (readonly RawChange[])[] {
  const made: RawChange[][] = [];
  let room = 0;
  for (const change of changes) {
    const bytes = [change.oldOid, change.newOid]
      .map((oid) => sizes.get(oid) ?? 0)
      .reduce((sum, size) => (size > maxBytes ? sum : sum + size), 0);
    if (made.length === 0 || room < bytes) {
      made.push([]);
      room = atOnce;
    }
    made.at(-1)?.push(change);
    room -= bytes;
  }
  return made;
}
