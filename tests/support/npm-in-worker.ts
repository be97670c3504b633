import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { onTestFinished } from 'vitest';
import { workerRuntime } from '../../orchestrator/src/containers/testing/worker-runtime.ts';

const run = promisify(execFile);

/** A package as a registry serves it. */
export interface PublishedPackage {
  readonly name: string;
  readonly tarball: Buffer;
  /** Paths of the registry: what `npm` asks for, and what it is told. */
  readonly packument: (registry: string) => string;
  readonly tarballPath: string;
  /** A project that needs it, with its lock file. */
  readonly project: (registry: string) => Readonly<Record<string, string>>;
}

/** A folder that is gone after the test. */
export async function testFolder(name: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), `agentcompany-${name}-`));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** The worker's runtime with npm beside it, at /opt/worker/npm: the image of workers has none. */
export async function runtimeWithNpm(): Promise<string> {
  const folder = join(await testFolder('runtime'), 'runtime');
  await run('cp', ['-rL', await workerRuntime(), folder]);
  const { stdout } = await run('sh', ['-c', 'realpath "$(command -v npm)"']);
  await cp(dirname(dirname(stdout.trim())), join(folder, 'npm'), { recursive: true, dereference: true });
  await run('chmod', ['-R', 'a+rX', join(folder, '..')]);
  return folder;
}

/** How npm is called in a worker that has this runtime. */
export const npm = 'node /opt/worker/npm/bin/npm-cli.js';

/** Makes a package of one file. */
export async function publishedPackage(name: string): Promise<PublishedPackage> {
  const folder = await testFolder('package');
  await mkdir(join(folder, 'package'));
  const manifest = { name, version: '1.0.0', main: 'index.js' };
  await writeFile(join(folder, 'package', 'package.json'), JSON.stringify(manifest));
  await writeFile(join(folder, 'package', 'index.js'), `module.exports = 'the words of ${name}';\n`);
  await run('tar', ['-czf', join(folder, 'package.tgz'), '-C', folder, 'package']);
  const tarball = await readFile(join(folder, 'package.tgz'));
  const integrity = `sha512-${createHash('sha512').update(tarball).digest('base64')}`;
  const tarballPath = `/${name}/-/${name}-1.0.0.tgz`;
  return {
    name,
    tarball,
    tarballPath,
    packument: (registry) =>
      JSON.stringify({
        name,
        'dist-tags': { latest: '1.0.0' },
        'versions': { '1.0.0': { ...manifest, dist: { tarball: registry + tarballPath, integrity } } },
      }),
    project: (registry) => ({
      'package.json': JSON.stringify({ name: 'p', version: '1.0.0', dependencies: { [name]: '1.0.0' } }),
      'package-lock.json': JSON.stringify({
        name: 'p',
        version: '1.0.0',
        lockfileVersion: 3,
        packages: {
          '': { name: 'p', version: '1.0.0', dependencies: { [name]: '1.0.0' } },
          [`node_modules/${name}`]: { version: '1.0.0', resolved: registry + tarballPath, integrity },
        },
      }),
      '.npmrc': `registry=${registry}/\n`,
      '.gitignore': 'node_modules\n',
    }),
  };
}
