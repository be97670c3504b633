import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { chmod, copyFile, mkdir, mkdtemp, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { rolldown } from 'rolldown';
import { placeLibraries } from '../../../../scripts/worker-libraries.mjs';

const entry = new URL('../../../../worker-image/src/main.ts', import.meta.url).pathname;

const imageFolder = new URL('../../../../worker-image/image/', import.meta.url);
const gitConfiguration = readFileSync(new URL('gitconfig', imageFolder), 'utf8');
/** The entry point that ships, with a heap that fits the limits of tests. */
const launcher = readFileSync(new URL('runtime', imageFolder), 'utf8').replace(
  'exec /opt/worker/node ',
  'exec /opt/worker/node --max-old-space-size=256 ',
);

/** The modules by their names, split as those that ship are (scripts/build.mjs). */
async function bundleRuntime(): Promise<Readonly<Record<string, string>>> {
  const build = await rolldown({
    input: { runtime: entry },
    platform: 'node',
    resolve: { conditionNames: ['development', 'node', 'import'] },
  });
  const names = { entryFileNames: '[name].mjs', chunkFileNames: 'chunk-[name]-[hash].mjs' };
  const { output } = await build.generate({ format: 'esm', minify: false, ...names });
  await build.close();
  return Object.fromEntries(output.flatMap((part) => (part.type === 'chunk' ? [[part.fileName, part.code]] : [])));
}

/** A file of a runtime folder: readable by the worker's user, which owns nothing there. */
async function place(folder: string, name: string, content: string, mode: number): Promise<void> {
  await writeFile(join(folder, name), content);
  await chmod(join(folder, name), mode);
}

/** A runtime folder whose launcher is `script`: a worker that does not behave. `node` is there for it to use. */
export async function makeRuntime(
  parent: string,
  script: string = launcher,
  modules: Readonly<Record<string, string>> = { 'runtime.mjs': '' },
): Promise<string> {
  const folder = await mkdtemp(join(parent, 'runtime-'));
  await chmod(folder, 0o755);
  await place(folder, 'runtime', script, 0o755);
  for (const [name, code] of Object.entries(modules)) await place(folder, name, code, 0o644);
  await place(folder, 'gitconfig', gitConfiguration, 0o644);
  await copyFile(process.execPath, join(folder, 'node'));
  await chmod(join(folder, 'node'), 0o755);
  placeLibraries(join(folder, 'lib'));
  return folder;
}

/** The real worker runtime of this source tree as a folder to mount; made once per content and kept among the temporary files. */
export async function workerRuntime(): Promise<string> {
  const modules = await bundleRuntime();
  const hash = createHash('sha256')
    .update(JSON.stringify(modules))
    .update(launcher)
    .update(gitConfiguration)
    .update(process.version)
    .digest('hex');
  const cache = join(tmpdir(), 'agentcompany-test-runtimes');
  await mkdir(cache, { recursive: true });
  const finished = join(cache, hash.slice(0, 16));
  const isThere = await stat(finished).then(
    () => true,
    () => false,
  );
  if (isThere) return finished;
  const made = await makeRuntime(cache, launcher, modules);
  // Another test file may have been faster: its folder has the same content.
  await rename(made, finished).catch(() => rm(made, { recursive: true }));
  return finished;
}
