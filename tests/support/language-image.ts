import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import { readFile, rm, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { unwrap } from '@agentcompany/protocol';
import { openDockerEngine } from '../../orchestrator/src/containers/dod/open-engine.ts';
import { codeName, hostSources, mainSources, unwanted } from '../../worker-image/image/from-packages.mjs';

const run = promisify(execFile);

/** What a person's image for projects in Python and Go has: git for the clone, and the languages. */
const packages = ['git', 'ca-certificates', 'python3-venv', 'golang-go'];
/** Of Go the `go` program alone is wanted, which takes 10 of its 450 MB: what compiles is left out. */
const leftOut = ['/usr/share/go-*/src/*', '/usr/share/go-*/test/*', '/usr/lib/go-*/pkg/*'];
const options = [
  '--variant=essential',
  `--include=${packages.join(',')}`,
  '--aptopt=APT::Install-Recommends "false"',
  ...unwanted,
  ...leftOut.map((path) => `--dpkgopt=path-exclude=${path}`),
];

/** What the image says of itself: where its Go asks. */
export const imageGoProxy = 'https://go.example.org';
const changes = [`ENV GOPROXY=${imageGoProxy}`];

/** Whether this machine has what makes the image. */
export const hasMmdebstrap = existsSync('/usr/bin/mmdebstrap');

/**
 * The image of projects in Python and Go, from the packages of this machine's system, which takes a minute and root. The engine
 * keeps it under a name that says what it is made of.
 */
export async function languageImage(): Promise<string> {
  const engine = unwrap(openDockerEngine({ dockerHost: process.env['DOCKER_HOST'] ?? null }));
  const system = await readFile('/etc/os-release', 'utf8');
  const suite = codeName(system);
  const digest = createHash('sha256')
    .update(JSON.stringify([suite, options, changes]))
    .digest('hex');
  const tag = `agentcompany-test-languages:${digest.slice(0, 16)}`;
  if ((await engine.imageInspect(tag)).ok) return tag;
  const room = await mkdtemp(join(tmpdir(), 'agentcompany-languages-'));
  try {
    const archive = join(room, 'rootfs.tar');
    // Ubuntu has what makes environments of Python in `universe`.
    const components = /^ID=ubuntu$/m.test(system) ? ' universe' : '';
    const sources = mainSources(hostSources(), suite).map((source) => source + components);
    await run('mmdebstrap', [...options, suite, archive, ...sources]);
    unwrap(await engine.imageImport(createReadStream(archive), { tag, changes }));
    return tag;
  } finally {
    await rm(room, { recursive: true, force: true });
  }
}
