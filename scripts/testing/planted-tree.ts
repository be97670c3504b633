import { cp, mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';

const repository = resolve(import.meta.dirname, '../..');

/** What a tree needs of this repository for `node scripts/check.mjs` to run in it. */
const toolFiles = [
  '.oxlintrc.json',
  '.oxfmtrc.json',
  'knip.json',
  'tsconfig.json',
  'scripts/check.mjs',
  'scripts/check',
  'scripts/lint',
  'scripts/errors.ts',
  'scripts/print-error.ts',
  'scripts/run-tool.ts',
  'agent-bus/protocol/src/app-error.ts',
];

/** A temporary folder laid out like the repository, holding its tools and the planted files. */
export interface PlantedTree extends AsyncDisposable {
  readonly root: string;
}

/** Lays out the tree: `files` maps a path in it to its text. `withModules` false leaves node_modules to the caller. */
export async function plantTree(files: Readonly<Record<string, string>>, withModules = true): Promise<PlantedTree> {
  // The real path, so that what the tools print can be compared with it.
  const root = await realpath(await mkdtemp(join(tmpdir(), 'planted-tree-')));
  for (const file of toolFiles) await cp(join(repository, file), join(root, file), { recursive: true });
  for (const [file, text] of Object.entries(files)) {
    await mkdir(dirname(join(root, file)), { recursive: true });
    await writeFile(join(root, file), text);
  }
  if (withModules) await symlink(join(repository, 'node_modules'), join(root, 'node_modules'), 'dir');
  return { root, [Symbol.asyncDispose]: () => rm(root, { recursive: true, force: true }) };
}
