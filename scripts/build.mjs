// @ts-check
// Bundles what ships: the CLI, the worker's runtime folder, and each package's `default` exports. Run by
// scripts/launch.mjs under a Node new enough: node scripts/build.mjs --worker-node BINARY
import { chmodSync, copyFileSync, linkSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { rolldown } from 'rolldown';
import { checkout } from './launch/paths.mjs';
import { placeLibraries } from './worker-libraries.mjs';

/** Packages left outside the CLI's bundle: native ones, and ones that load files of their own at run time. */
const unbundled = ['better-sqlite3', 'dockerode', 'simple-git'];

/**
 * @param {string} packageFolder
 * @param {{input: Record<string, string>, external: (id: string) => boolean, output: import('rolldown').OutputOptions}} bundle
 */
async function bundleInto(packageFolder, { input, external, output }) {
  const target = join(checkout, packageFolder, 'dist');
  const part = `${target}.part`;
  rmSync(part, { recursive: true, force: true });
  const built = await rolldown({
    cwd: checkout,
    input,
    external: (id) => id.startsWith('node:') || external(id),
    platform: 'node',
    resolve: {
      conditionNames: ['development', 'node', 'import', 'default'],
      // Its other form requires its parts by computed names, which no bundle holds.
      alias: { 'jsonc-parser': join(checkout, 'node_modules', 'jsonc-parser', 'lib', 'esm', 'main.js') },
    },
    onLog: (level, log) => {
      if (level === 'warn') throw new Error(`${packageFolder}: ${log.message}`);
    },
  });
  await built.write({ dir: part, format: 'esm', ...output });
  await built.close();
  if (packageFolder === 'worker-image') completeWorkerFolder(part);
  rmSync(target, { recursive: true, force: true });
  renameSync(part, target);
}

/**
 * Makes the folder that workers see, read-only, at /opt/worker: the runtime, the Node it runs under and that Node's C++ library (so that
 * any glibc image with git will do), an entry point, git's configuration. The worker's user is nobody of this system,
 * so everything is readable by all.
 * @param {string} folder
 */
function completeWorkerFolder(folder) {
  for (const name of ['runtime', 'gitconfig'])
    copyFileSync(join(checkout, 'worker-image', 'image', name), join(folder, name));
  placeNode(workerNodeBinary(), join(folder, 'node'));
  placeLibraries(join(folder, 'lib'));
  chmodSync(folder, 0o755);
  for (const name of ['runtime', 'node']) chmodSync(join(folder, name), 0o755);
  chmodSync(join(folder, 'chunks'), 0o755);
  const modules = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.mjs'));
  for (const name of [...modules, 'gitconfig']) chmodSync(join(folder, name), 0o644);
}

/**
 * A hard link to a Node inside the checkout (120 MB saved), a copy of any other: a chmod must not reach a system's Node.
 * @param {string} binary
 * @param {string} target
 */
function placeNode(binary, target) {
  if (!binary.startsWith(join(checkout, '.cache'))) return copyFileSync(binary, target);
  try {
    linkSync(binary, target);
  } catch {
    copyFileSync(binary, target);
  }
}

function workerNodeBinary() {
  const { values } = parseArgs({ options: { 'worker-node': { type: 'string' } } });
  return values['worker-node'] ?? process.execPath;
}

/**
 * The entries of a package's `exports`: output name without extension -> source. Contract suites (`./testing`) are
 * left out: they run from source, under a test runner.
 * @param {string} packageFolder
 * @returns {Record<string, string>}
 */
function exportedEntries(packageFolder) {
  const { exports } = JSON.parse(readFileSync(join(checkout, packageFolder, 'package.json'), 'utf8'));
  /** @type {Record<string, string>} */
  const entries = {};
  for (const [path, condition] of Object.entries(exports)) {
    if (path === './testing') continue;
    const name = /^\.\/dist\/(.+)\.m?js$/.exec(condition.default)?.[1];
    if (name === undefined)
      throw new Error(`${packageFolder}: a default export that is not ./dist/*.js: ${condition.default}`);
    entries[name] = join(checkout, packageFolder, condition.development);
  }
  return entries;
}

/** Is a bare specifier: a package, not a file. @param {string} id */
const isPackage = (id) => !id.startsWith('.') && !id.startsWith('/') && !/^[A-Za-z]:[\\/]/.test(id);

/** @param {string} id */
const isUnbundled = (id) => unbundled.some((name) => id === name || id.startsWith(`${name}/`));

for (const folder of ['agent-bus/protocol', 'agent-bus', 'orchestrator']) {
  await bundleInto(folder, {
    input: exportedEntries(folder),
    external: isPackage,
    output: { entryFileNames: '[name].js', chunkFileNames: 'chunks/[name]-[hash].js' },
  });
}
await bundleInto('tools/cli', {
  input: exportedEntries('tools/cli'),
  external: isUnbundled,
  output: { entryFileNames: '[name].js', chunkFileNames: 'chunks/[name]-[hash].js', minify: false },
});
await bundleInto('worker-image', {
  input: exportedEntries('worker-image'),
  external: () => false,
  // What only some workers need is loaded by those.
  output: { entryFileNames: '[name].mjs', chunkFileNames: 'chunks/[name]-[hash].mjs' },
});
