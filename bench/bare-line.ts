import { execFile } from 'node:child_process';
import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { createRepository } from '../tests/support/open-test-company.ts';
import { timed } from './measure.ts';

const execute = promisify(execFile);
const identity = {
  GIT_AUTHOR_NAME: 'Bare',
  GIT_AUTHOR_EMAIL: 'bare@example.com',
  GIT_COMMITTER_NAME: 'Bare',
  GIT_COMMITTER_EMAIL: 'bare@example.com',
};
const environment = { ...process.env, ...identity, GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_NOSYSTEM: '1' };

async function git(repository: string, ...args: readonly string[]): Promise<string> {
  const { stdout } = await execute('git', ['-C', repository, ...args], { env: environment });
  return stdout.trim();
}

/** A container as `docker run` makes it, without network: the mirror read-only, a folder for what comes out. */
async function container(image: string, mirror: string, output: string, script: string): Promise<void> {
  const variables = {
    ...identity,
    HOME: '/tmp',
    GIT_CONFIG_COUNT: '1',
    GIT_CONFIG_KEY_0: 'safe.directory',
    GIT_CONFIG_VALUE_0: '*',
  };
  await execute('docker', [
    'run',
    '--rm',
    '--network',
    'none',
    '--tmpfs',
    '/tmp:exec,mode=1777',
    '--workdir',
    '/tmp',
    '--volume',
    `${mirror}:/mirror.git:ro`,
    '--volume',
    `${output}:/output`,
    ...Object.entries(variables).flatMap(([name, value]) => ['--env', `${name}=${value}`]),
    '--entrypoint',
    'sh',
    image,
    '-ec',
    script,
  ]);
}

/** One task in its container, its bundle unpacked into the mirror. Returns the commit. */
async function task(image: string, mirror: string, work: string, index: number): Promise<string> {
  const output = join(work, `output-${index}`);
  await mkdir(output);
  await chmod(output, 0o777);
  const script = `git clone --quiet --shared /mirror.git repository && cd repository && echo ${index} > file-${index}.txt
    git add --all && git commit --quiet --message 'Task ${index}' && git branch result && git bundle create --quiet /output/bundle result ^origin/main`;
  await container(image, mirror, output, script);
  const heads = await git(mirror, 'bundle', 'unbundle', join(output, 'bundle'));
  const [commit = ''] = heads.split(' ');
  await git(mirror, 'update-ref', `refs/attempts/${index}`, commit);
  return commit;
}

async function mergeAll(mirror: string, commits: readonly string[]): Promise<string> {
  let tip = await git(mirror, 'rev-parse', 'main');
  for (const commit of commits) {
    const tree = await git(mirror, 'merge-tree', '--write-tree', tip, commit);
    const merged = await git(mirror, 'commit-tree', '-p', tip, '-p', commit, '-m', 'Merge', tree);
    await git(mirror, 'update-ref', 'refs/heads/run', merged);
    tip = merged;
  }
  return tip;
}

/**
 * The least the whole line can cost: the same containers with the same commands, the same merges and the same push, and
 * nothing kept on record, checked, reviewed or made durable.
 */
export async function openBareLine(options: {
  readonly image: string;
  readonly tasks: number;
}): Promise<{ readonly run: () => Promise<number>; readonly close: () => Promise<void> }> {
  const { image, tasks } = options;
  const folder = await mkdtemp(join(tmpdir(), 'agentcompany-bench-'));
  await chmod(folder, 0o755);
  let round = 0;
  const run = async (): Promise<number> => {
    round += 1;
    const work = join(folder, `round-${round}`);
    await mkdir(work);
    const remote = createRepository(join(work, 'remote.git'), { 'README.md': '# App\n' });
    const taken = await timed(async () => {
      const mirror = join(work, 'mirror.git');
      await execute('git', ['clone', '--quiet', '--mirror', remote, mirror], { env: environment });
      const commits = await Promise.all(
        Array.from({ length: tasks }, (_, index) => task(image, mirror, work, index + 1)),
      );
      const tip = await mergeAll(mirror, commits);
      await container(
        image,
        mirror,
        work,
        `git clone --quiet --shared --no-checkout /mirror.git repository && cd repository && git checkout --quiet --detach ${tip} && test -f file-1.txt`,
      );
      await git(mirror, 'push', '--quiet', remote, `${tip}:refs/heads/agent/bare`);
    });
    await rm(work, { recursive: true, force: true });
    return taken;
  };
  return { run, close: () => rm(folder, { recursive: true, force: true }) };
}
