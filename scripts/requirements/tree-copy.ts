import { cp, mkdir, mkdtemp, readdir, readlink, realpath, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative, sep } from 'node:path';

/** Left out of a copy: installed packages are linked, the rest is data of runs or history. */
const leftOut = /^(\.git|\.cache|runtime|workspaces|coverage)$|(^|\/)node_modules$/;

/** A throw-away copy of the working tree in which a file may be broken. */
export interface TreeCopy extends AsyncDisposable {
  readonly root: string;
}

/**
 * Links the packages of one `node_modules` folder into another. Links to workspaces keep their relative text, so that
 * in the copy they lead to the copy's sources and not back to the original.
 */
async function linkModules(from: string, to: string): Promise<void> {
  await mkdir(to, { recursive: true });
  for (const entry of await readdir(from, { withFileTypes: true })) {
    const source = join(from, entry.name);
    const target = join(to, entry.name);
    // The caches of tools start with a dot too; only the commands are wanted.
    if (entry.name.startsWith('.') && entry.name !== '.bin') continue;
    if (entry.isSymbolicLink()) await symlink(await readlink(source), target);
    else if (entry.name.startsWith('@') || entry.name === '.bin') await linkModules(source, target);
    else await symlink(source, target);
  }
}

/** Copies the tree at `root` as it stands, uncommitted changes included, into the temporary folder. */
export async function copyTree(root: string): Promise<TreeCopy> {
  const copy = await realpath(await mkdtemp(join(tmpdir(), 'mutated-tree-')));
  const moduleFolders: string[] = [];
  await cp(root, copy, {
    recursive: true,
    verbatimSymlinks: true,
    filter: (source) => {
      const path = relative(root, source).split(sep).join('/');
      if (/(^|\/)node_modules$/.test(path)) moduleFolders.push(path);
      return !leftOut.test(path);
    },
  });
  for (const folder of moduleFolders) await linkModules(join(root, folder), join(copy, folder));
  // What launch has downloaded is only read.
  if ((await readdir(root)).includes('.cache')) await symlink(join(root, '.cache'), join(copy, '.cache'));
  return { root: copy, [Symbol.asyncDispose]: () => rm(copy, { recursive: true, force: true }) };
}
