import { success, type Result } from '@agentcompany/protocol';
import type { BareRepository } from './bare-repository.ts';
import { readBlobs } from './blobs.ts';
import { rawChanges } from './raw-diff.ts';

/** Larger files are not read: a conflict of that size is not resolved by hand. */
const maxBytes = 4 * 1024 * 1024;
/** What git and diff3 write. A bare `=======` is left out: it underlines a heading in Markdown and reStructuredText. */
const marker = /^(?:<{7}|>{7}|\|{7})(?: |\r?$)/mu;
/** The tree without entries, known to every repository. */
const emptyTree = '4b825dc642cb6eb9a060e54bf8d69288fbee4904';

/** Those of `paths` whose text at `commit` holds a conflict marker at a line's start. */
export async function findConflictMarkers(
  repository: BareRepository,
  commit: string,
  paths: readonly string[],
): Promise<Result<readonly string[]>> {
  const wanted = new Set(paths);
  const entries = await rawChanges(repository, emptyTree, commit);
  if (!entries.ok) return entries;
  const files = entries.value.filter(({ path, new_mode }) => wanted.has(path) && new_mode.startsWith('100'));
  const contents = await readBlobs(
    repository,
    files.map(({ newOid }) => newOid),
    maxBytes,
  );
  if (!contents.ok) return contents;
  return success(
    files
      .filter(({ newOid }) => marker.test(contents.value.get(newOid)?.toString('latin1') ?? ''))
      .map(({ path }) => path),
  );
}
