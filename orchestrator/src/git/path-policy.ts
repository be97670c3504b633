import { foldName, foldPath, judgePathNames } from './file-name-policy.ts';
import type { RawChange } from './raw-diff.ts';
import { judgeSymlinkTarget } from './symlink-policy.ts';

export interface PathRefusal {
  readonly rule: string;
  readonly path: string;
}

const symlink = '120000';
const gitlink = '160000';
const ordinaryModes: readonly string[] = ['100644', '100755', symlink, '000000'];
/** Files of git's own that must be read as files, never through a link. */
const gitFiles: readonly string[] = ['.gitattributes', '.gitmodules', '.gitignore', '.mailmap'];

/**
 * Judges what a task changed (S22): what the base already held is not the task's doing and is left alone, but what is
 * new is compared with the whole tree. `treePaths` are all paths of the result, `targets` the contents of its changed links.
 */
export function judgePaths(
  changes: readonly RawChange[],
  treePaths: readonly string[],
  targets: ReadonlyMap<string, Buffer>,
): PathRefusal | null {
  for (const change of changes) {
    const rule = judgeMode(change, targets) ?? (change.status === 'A' ? judgeNewName(change) : null);
    if (rule !== null) return { rule, path: change.path };
  }
  const introduced = changes.filter(({ status }) => status === 'A' || status === 'T').map((change) => change.path);
  if (introduced.length === 0) return null;
  return findCollision(introduced, treePaths) ?? findEmbeddedRepository(introduced, treePaths);
}

function judgeMode(change: RawChange, targets: ReadonlyMap<string, Buffer>): string | null {
  if (change.status === 'D') return null;
  if (change.new_mode === gitlink) return 'gitlink';
  if (!ordinaryModes.includes(change.new_mode) && change.new_mode !== change.old_mode) return 'file-mode';
  if (change.new_mode !== symlink) return null;
  const name = foldName(change.path.slice(change.path.lastIndexOf('/') + 1));
  if (gitFiles.includes(name)) return 'git-file-symlink';
  const target = targets.get(change.newOid);
  return target === undefined ? 'symlink-target' : judgeSymlinkTarget(change.path, target);
}

function judgeNewName(change: RawChange): string | null {
  return change.isText ? judgePathNames(change.path) : 'not-utf8';
}

/** A path and every folder above it. */
function withFolders(path: string): readonly string[] {
  const all = [path];
  for (let end = path.lastIndexOf('/'); end > 0; end = path.lastIndexOf('/', end - 1)) all.push(path.slice(0, end));
  return all;
}

/** Two spellings of one file or folder on a file system that folds names, at least one of them introduced by the task. */
function findCollision(introduced: readonly string[], treePaths: readonly string[]): PathRefusal | null {
  const spellings = new Map<string, string>();
  for (const path of introduced) {
    for (const spelling of withFolders(path)) {
      const other = spellings.get(foldPath(spelling)) ?? spelling;
      if (other !== spelling) return { rule: 'collision', path };
      spellings.set(foldPath(spelling), spelling);
    }
  }
  const seen = new Set<string>();
  for (const path of treePaths) {
    for (const spelling of withFolders(path)) {
      if (seen.has(spelling)) break;
      seen.add(spelling);
      const other = spellings.get(foldPath(spelling)) ?? spelling;
      if (other !== spelling) return { rule: 'collision', path: other };
    }
  }
  return null;
}

/** A folder that git would take for a bare repository, and whose configuration it would then obey. */
function findEmbeddedRepository(introduced: readonly string[], treePaths: readonly string[]): PathRefusal | null {
  const folded = treePaths.map(foldPath);
  const files = new Set(folded);
  const folders = new Set(folded.flatMap((path) => withFolders(path).slice(1)));
  for (const path of introduced) {
    for (const folder of withFolders(foldPath(path)).slice(1)) {
      const below = `${folder}/`;
      if (files.has(`${below}head`) && folders.has(`${below}objects`) && folders.has(`${below}refs`)) {
        return { rule: 'embedded-repository', path };
      }
    }
  }
  return null;
}
