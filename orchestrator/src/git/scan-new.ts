import { success, type Result } from '@agentcompany/protocol';
import type { BareRepository } from './bare-repository.ts';
import { blobSizes, readBlobs } from './blobs.ts';
import type { FoundInNew } from './repositories.ts';

/** Bytes of a file that is looked through, and of those in memory at once. */
const maxBytes = 16 * 1024 * 1024;
const atOnce = 64 * 1024 * 1024;
const listingLimit = 256 * 1024 * 1024;

/**
 * What `find` sees in the names and contents of all files that the commits of `to` bring and `from` has not, also those that a later
 * commit took away again: a push hands on the whole history. Larger files are passed over.
 */
export async function scanNew(
  repository: BareRepository,
  { from, to, find }: { readonly from: string; readonly to: string; find: (text: string) => readonly string[] },
): Promise<Result<readonly FoundInNew[]>> {
  const listed = await repository.run({
    arguments: ['rev-list', '--objects', '--end-of-options', `${from}..${to}`],
    gitDir: repository.folder,
    outputLimit: listingLimit,
    timeoutMs: 180_000,
  });
  if (!listed.ok) return listed;
  const names = new Map(listed.value.stdout.toString('latin1').split('\n').map(splitName));
  const sizes = await blobSizes(
    repository,
    [...names.keys()].filter((oid) => oid !== ''),
  );
  if (!sizes.ok) return sizes;
  const found: FoundInNew[] = [];
  for (const group of groups(sizes.value)) {
    const contents = await readBlobs(repository, group, maxBytes);
    if (!contents.ok) return contents;
    for (const oid of group) {
      const path = names.get(oid) ?? '';
      const inName = find(path);
      const inContent = find(contents.value.get(oid)?.toString('latin1') ?? '');
      // A name that is what was looked for is not repeated.
      found.push(
        ...inName.map((what) => ({ path: null, what })),
        ...inContent.map((what) => ({ path: inName.length > 0 ? null : path, what })),
      );
    }
  }
  return success(found);
}

/** An object's name and, behind a space, the path it was met at. */
function splitName(line: string): [string, string] {
  return [line.slice(0, 40), line.slice(41)];
}

function groups(sizes: ReadonlyMap<string, number>): readonly (readonly string[])[] {
  const made: string[][] = [];
  let room = 0;
  for (const [oid, size] of sizes) {
    const bytes = size > maxBytes ? 0 : size;
    if (made.length === 0 || room < bytes) {
      made.push([]);
      room = atOnce;
    }
    made.at(-1)?.push(oid);
    room -= bytes;
  }
  return made;
}
