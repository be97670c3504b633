import { chmodSync, closeSync, fdatasyncSync, fsyncSync, mkdirSync, openSync, readFileSync, statfsSync } from 'node:fs';
import { dirname, resolve } from 'node:path';

/** Magic numbers of statfs(2) for file systems whose locks or shared memory do not reach other machines. */
const networkKinds: Readonly<Record<number, string>> = {
  0x6969: 'NFS',
  0x517b: 'SMB',
  0xff534d42: 'CIFS',
  0xfe534d42: 'SMB2',
  // Windows drives under WSL2 (/mnt/c) are 9P, under WSL1 DrvFs.
  0x01021997: '9P',
  0x53464846: 'DrvFs',
  0x5346414f: 'AFS',
  0x00c36400: 'Ceph',
  0x0bd00bd0: 'Lustre',
  0x73757245: 'Coda',
  0x47504653: 'GPFS',
};

/** The name of the network file system with this `statfs` type, null for a local one. */
export function networkKind(type: number): string | null {
  return networkKinds[type >>> 0] ?? null;
}

/** The network file system on which `folder` lies, null for a local one. Other systems than Linux report no type: there the answer is null. */
export function networkFileSystemOf(folder: string): string | null {
  return process.platform === 'linux' ? networkKind(statfsSync(folder).type) : null;
}

/** Makes `folder` for this user alone and its name durable. */
export function makePrivateFolder(folder: string): void {
  const first = mkdirSync(folder, { recursive: true, mode: 0o700 });
  chmodSync(folder, 0o700);
  if (first === undefined) return;
  for (let made = resolve(folder); made.length >= resolve(first).length; made = dirname(made))
    syncFolder(dirname(made));
}

/** Makes the names in `folder` durable. Windows has no such call and needs none. */
export function syncFolder(folder: string): void {
  if (process.platform !== 'win32') withDescriptor(folder, 'r', fsyncSync);
}

/** Makes the content of `file` durable. Never for a file with POSIX locks of this process on it: closing it would drop them. */
export function syncFile(file: string): void {
  withDescriptor(file, 'r+', fdatasyncSync);
}

function withDescriptor(path: string, flags: string, sync: (descriptor: number) => void): void {
  const descriptor = openSync(path, flags);
  try {
    sync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** The boot of a system that does not tell them apart. */
export const unknownBoot = 'unknown';

/** What changes when the machine starts again: leases of another boot have no holder. Where the system tells none, all boots are one. */
export function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return unknownBoot;
  }
}
