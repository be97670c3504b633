import { statSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Result } from '@agentcompany/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DiskReserve } from './disk-reserve.ts';
import { mayMount, mountTinyDisk, type TinyDisk } from './testing/tiny-disk.ts';

const mebibyte = 1024 * 1024;
const codeOf = (result: Result<unknown>): string => (result.ok ? 'success' : result.error.code);

describe.skipIf(!mayMount())('the reserve on a disk that fills up', () => {
  let disk: TinyDisk;
  let file: string;
  beforeEach(() => {
    const mounted = mountTinyDisk(4 * mebibyte);
    if (mounted === null) throw new Error('cannot mount');
    disk = mounted;
    file = join(disk.folder, 'reserve');
  });
  afterEach(() => disk.remove());

  it('S72 takes real room, admits new work while it is there, and gives the room back once', () => {
    const reserve = new DiskReserve(file, mebibyte);
    expect(statSync(file).blocks * 512).toBe(mebibyte);
    disk.fill();
    expect(codeOf(reserve.admit())).toBe('success');
    expect(reserve.spend()).toBe(true);
    expect(codeOf(reserve.admit())).toBe('AC_BUS_FULL');
    expect(reserve.spend()).toBe(false);
  });

  it('S72 is made again when there is room for more than itself, seen by whoever shares it', () => {
    const reserve = new DiskReserve(file, mebibyte);
    const other = new DiskReserve(file, mebibyte);
    disk.fill();
    reserve.spend();
    expect(codeOf(other.admit())).toBe('AC_BUS_FULL');
    disk.free();
    disk.fill(mebibyte);
    expect(codeOf(other.admit())).toBe('AC_BUS_FULL');
    disk.free();
    expect(codeOf(other.admit())).toBe('success');
    expect(codeOf(reserve.admit())).toBe('success');
    expect(statSync(file).size).toBe(mebibyte);
  });

  it('S72 opens on a full disk without a reserve and leaves nothing half made', async () => {
    disk.fill();
    const reserve = new DiskReserve(file, mebibyte);
    expect(codeOf(reserve.admit())).toBe('AC_BUS_FULL');
    expect(await readdir(disk.folder)).toEqual(['ballast']);
  });

  it('S72 is made no more when it is closed', async () => {
    const reserve = new DiskReserve(file, mebibyte);
    reserve.close();
    reserve.spend();
    expect(codeOf(reserve.admit())).toBe('success');
    expect(await readdir(disk.folder)).toEqual([]);
  });
});
