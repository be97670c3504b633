import { constants } from 'node:fs';
import { mkdir, open, readdir, rm, rmdir, stat } from 'node:fs/promises';
import { setPriority } from 'node:os';
import type { EscapeAttemptId } from '@agentcompany/protocol';
import { trial, type Trial } from './verdict.ts';

const groups = '/sys/fs/cgroup';
const settings = '/proc/sys/kernel';

/** Folders in which a new file is tried. */
const folders: Readonly<Partial<Record<EscapeAttemptId, readonly string[]>>> = {
  'writes.root': ['/', '/usr/bin', '/var/tmp', '/run', '/home', '/root', '/dev'],
  'writes.settings': ['/etc'],
  'writes.mirror': ['/mirror.git', '/mirror.git/objects', '/mirror.git/refs/heads', '/mirror.git/hooks'],
  'writes.runtime': ['/opt/worker'],
  'writes.groups': [groups, `${groups}/memory`, `${groups}/pids`],
};

/** Files that are there and are opened for writing; nothing is written where that works, for the kernel's may matter. */
const files: Readonly<Partial<Record<EscapeAttemptId, readonly string[]>>> = {
  'writes.settings': ['/etc/passwd', '/etc/hosts', '/etc/resolv.conf', '/etc/gitconfig'],
  'writes.mirror': ['/mirror.git/HEAD', '/mirror.git/config', '/mirror.git/packed-refs'],
  'writes.runtime': ['/opt/worker/runtime', '/opt/worker/runtime.mjs', '/opt/worker/node'],
  'writes.groups': [
    `${groups}/memory.max`,
    `${groups}/pids.max`,
    `${groups}/cgroup.procs`,
    `${groups}/memory/memory.limit_in_bytes`,
    `${groups}/pids/pids.max`,
    `${groups}/memory/release_agent`,
    `${groups}/devices/devices.allow`,
  ],
  'writes.kernel': [
    ...['core_pattern', 'modprobe', 'hostname', 'domainname', 'kptr_restrict'].map((name) => `${settings}/${name}`),
    '/proc/sys/vm/drop_caches',
    '/proc/sysrq-trigger',
    '/sys/kernel/uevent_helper',
    '/sys/power/state',
  ],
};

const expectedDevices = /^(null|zero|full|random|urandom|tty|ptmx|console|core|fd|pts|shm|mqueue|std(in|out|err))$/;
const usualDevices = ['mem', 'kmsg', 'port', 'kvm', 'fuse', 'net/tun', 'sda', 'vda', 'nvme0n1', 'vsock', 'dri/card0'];

async function openForWriting(path: string, flags: number): Promise<void> {
  await (await open(path, flags, 0o600)).close();
}

/** Makes a file and takes it away again. */
async function create(folder: string): Promise<void> {
  const path = `${folder}/agentcompany-escape`;
  await openForWriting(path, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL);
  await rm(path);
}

async function makeGroup(): Promise<void> {
  const path = `${groups}/agentcompany-escape`;
  await mkdir(path);
  await rmdir(path);
}

/** Rejects unless what is mounted at `target`, a folder or a file, can be written. */
export async function writeMount(target: string): Promise<void> {
  const isFolder = (await stat(target)).isDirectory();
  await (isFolder ? create(target) : openForWriting(target, constants.O_WRONLY | constants.O_APPEND));
}

async function writeInto(path: string, text: string): Promise<void> {
  const file = await open(path, 'r+');
  try {
    await file.write(text);
  } finally {
    await file.close();
  }
}

async function devices(): Promise<readonly Trial[]> {
  const id = 'writes.devices';
  const unexpected = (await readdir('/dev').catch(() => [])).filter((name) => !expectedDevices.test(name));
  const names = [...new Set([...usualDevices, ...unexpected])];
  return Promise.all(
    names.map((name) =>
      trial(id, name, () => openForWriting(`/dev/${name}`, constants.O_RDONLY | constants.O_NONBLOCK)),
    ),
  );
}

const table = <Value>(of: Readonly<Partial<Record<EscapeAttemptId, readonly Value[]>>>) =>
  Object.entries(of).flatMap(([id, values]) => (values ?? []).map((value) => ({ id: id as EscapeAttemptId, value })));

/** Attempts to change what is not the worker's. */
export async function tryWrites(): Promise<readonly Trial[]> {
  const made = table(folders).map(({ id, value }) => trial(id, value, () => create(value)));
  const opened = table(files).map(({ id, value }) =>
    trial(id, value, () => openForWriting(value, constants.O_WRONLY | constants.O_APPEND)),
  );
  const protection = [
    trial('writes.protection', 'oom_score_adj', () => writeInto('/proc/self/oom_score_adj', '-1000')),
    trial('writes.protection', 'priority', () => setPriority(-20)),
    trial('writes.groups', 'a group of its own', makeGroup),
  ];
  return [...(await Promise.all([...made, ...opened, ...protection])), ...(await devices())];
}
