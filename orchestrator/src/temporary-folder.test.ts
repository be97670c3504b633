import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { abandonedTemporaryFolders, makeTemporaryFolder } from './temporary-folder.ts';

const made: string[] = [];
afterEach(async () => {
  for (const folder of made.splice(0)) await rm(folder, { recursive: true, force: true });
});

async function abandoned(): Promise<readonly string[]> {
  return (await abandonedTemporaryFolders()).map(({ folder }) => folder);
}

/** The folder of a process that is killed right after making it. */
async function folderOfKilled(): Promise<string> {
  const module = new URL('temporary-folder.ts', import.meta.url).href;
  const code = `console.log(await (await import(${JSON.stringify(module)})).makeTemporaryFolder('test')); setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--conditions=development', '--input-type=module', '-e', code], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  const folder = line.toString().trim();
  made.push(folder);
  expect(await abandoned()).not.toContain(folder);
  child.kill('SIGKILL');
  await once(child, 'exit');
  return folder;
}

describe('temporary folders', () => {
  it('S16 of a process that was killed are found; those of a live one are not', async () => {
    const own = await makeTemporaryFolder('test');
    made.push(own);
    const left = await folderOfKilled();
    const found = await abandoned();
    expect(found).toContain(left);
    expect(found).not.toContain(own);
  });

  it('S16 of an earlier start of the machine are found though the process id is given anew', async () => {
    const [rebooted, reused] = [await makeTemporaryFolder('test'), await makeTemporaryFolder('test')];
    made.push(rebooted, reused);
    const owner = { pid: process.pid, started: '1', boot: null as string | null };
    await writeFile(join(rebooted, '.agentcompany-owner.json'), JSON.stringify({ ...owner, boot: 'another' }));
    await writeFile(join(reused, '.agentcompany-owner.json'), JSON.stringify({ ...owner, pid: 1, boot: 'another' }));
    expect(await abandoned()).toEqual(expect.arrayContaining([rebooted, reused]));
  });

  it('S16 that do not say whose they are, or are only called like ours, are left alone', async () => {
    const foreign = await mkdtemp(join(tmpdir(), 'agentcompany-foreign-'));
    const elsewhere = await mkdtemp(join(tmpdir(), 'elsewhere-'));
    made.push(foreign, elsewhere);
    const dead = JSON.stringify({ pid: 1, started: '0', boot: 'another' });
    await writeFile(join(elsewhere, '.agentcompany-owner.json'), dead);
    const link = join(tmpdir(), `agentcompany-link-${process.pid}`);
    await symlink(elsewhere, link);
    made.push(link);
    const found = await abandoned();
    for (const folder of [foreign, elsewhere, link]) expect(found).not.toContain(folder);
    await writeFile(join(foreign, '.agentcompany-owner.json'), '{"pid":');
    expect(await abandoned()).not.toContain(foreign);
  });
});
