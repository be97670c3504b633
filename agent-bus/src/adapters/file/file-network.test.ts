import { spawnSync } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const traced = spawnSync('strace', ['-V']).status === 0;

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'file-network-'));
});
afterEach(() => rm(folder, { recursive: true }));

/** The type of a file system as statfs(2) tells it: eight bytes in the order of this processor's memory. */
function typeBytes(type: number): string {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt32LE(type >>> 0);
  return bytes.toString('hex');
}

/** What opening the bus says where statfs(2) tells this type, in a process of its own. */
function openedOn(type: number): string {
  const module = new URL('../../open-bus.ts', import.meta.url).href;
  const program = `
    const { openBus } = await import(${JSON.stringify(module)});
    const opened = await openBus({ adapter: 'file', folder: ${JSON.stringify(join(folder, 'bus'))} });
    process.stdout.write(opened.ok ? 'opened' : opened.error.code + ' ' + opened.error.message);
    if (opened.ok) await opened.value.close();`;
  const poke = `inject=statfs:poke_exit=@arg2=${typeBytes(type)}`;
  const strace = ['-f', '-o', join(folder, 'trace'), '-e', 'trace=statfs', '-e', poke];
  const node = [process.execPath, '--conditions=development', '--input-type=module', '-e', program];
  return spawnSync('strace', [...strace, ...node], { encoding: 'utf8' }).stdout;
}

describe.skipIf(!traced)('the file bus on a file system that other machines share', { timeout: 60_000 }, () => {
  it('S67 is refused by name, a mounted Windows drive too, and nothing is made there', async () => {
    for (const [type, name] of [
      [0x6969, 'NFS'],
      [0x01021997, '9P'],
      [0x53464846, 'DrvFs'],
    ] as const) {
      expect(openedOn(type)).toMatch(new RegExp(`^AC_BUS_NETWORK_FS .*\\(${name}\\)`));
      expect(await readdir(join(folder, 'bus'))).toEqual([]);
    }
    expect(openedOn(0xef53)).toBe('opened');
  });
});
