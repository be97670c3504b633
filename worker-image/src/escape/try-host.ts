import { open, readdir, readFile, stat } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import type { EscapeAttemptId, EscapeBait } from '@agentcompany/protocol';
import { writeMount } from './try-writes.ts';
import { trial, type Trial } from './verdict.ts';

const engineSockets = [
  'docker.sock',
  'podman/podman.sock',
  'containerd/containerd.sock',
  'crio/crio.sock',
  'docker/containerd/containerd.sock',
  'buildkit/buildkitd.sock',
].flatMap((name) => [`/run/${name}`, `/var/run/${name}`]);

const keyFiles = ['.ssh', '.aws', '.docker', '.netrc', '.git-credentials', '.config/gcloud', '.kube', '.npmrc'];
const homes = ['/root', '/workspace/home', '/home'];
const tokens = ['/var/run/secrets', '/run/secrets', '/etc/shadow', '/etc/ssh/ssh_host_ed25519_key'];
const kernelMemory = [
  '/proc/kcore',
  '/dev/mem',
  '/dev/kmem',
  '/dev/kmsg',
  '/proc/keys',
  '/sys/firmware/dmi/tables/DMI',
];

const looksLikeKey =
  /(^|_)(KEY|TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIALS?)(_|$)|^(AWS|AZURE|GOOGLE|GITHUB|DOCKER)_|^SSH_AUTH_SOCK$/i;
/** Variables of the worker that are called so and hold none. */
const knownVariables = /^(GIT_CONFIG_KEY_\d+|GPG_KEY)$/;

/** File systems that are memory of the container or the kernel's own view. */
const ownFileSystems = /^(tmpfs|proc|sysfs|devpts|mqueue|devtmpfs|cgroup2?|overlay|fuse-overlayfs)$/;
const writablePlaces = /^\/(workspace|tmp|dev|proc)(\/|$)/;

/** Files of the system that are no secret's place, and too many to read. */
const tooMany = /^\/(proc|sys|dev|usr|lib|lib64|bin|sbin|opt\/worker\/node)(\/|$)/;
const largestFileBytes = 4_194_304;
const mostFiles = 20_000;

async function readSome(path: string): Promise<void> {
  const file = await open(path, 'r');
  try {
    const { bytesRead } = await file.read(Buffer.alloc(16), 0, 16, 0);
    if (bytesRead === 0) throw new Error('empty');
  } finally {
    await file.close();
  }
}

/** Rejects unless `path` is there with something in it: engines hide folders below empty ones, and files below /dev/null. */
async function findIn(path: string): Promise<void> {
  const found = await stat(path);
  if (!found.isDirectory()) return readSome(path);
  if ((await readdir(path)).length === 0) throw new Error('empty');
}

function reachSocket(path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(path, () => {
      socket.destroy();
      resolve();
    });
    socket.once('error', reject);
  });
}

async function processFiles(name: 'environ' | 'cmdline'): Promise<readonly Buffer[]> {
  const numbers = (await readdir('/proc')).filter((entry) => /^\d+$/.test(entry));
  return Promise.all(numbers.map((number) => readFile(`/proc/${number}/${name}`).catch(() => Buffer.alloc(0))));
}

function found(id: EscapeAttemptId, names: readonly string[], otherwise: string): readonly Trial[] {
  if (names.length === 0) return [{ id, name: '', problem: otherwise }];
  return names.map((name) => ({ id, name, problem: null }));
}

async function environment(): Promise<readonly Trial[]> {
  const texts = (await processFiles('environ')).map((text) => text.toString('latin1'));
  const names = new Set(texts.flatMap((text) => text.split('\0').map((entry) => entry.split('=', 1)[0] ?? '')));
  const suspicious = [...names].filter((name) => looksLikeKey.test(name) && !knownVariables.test(name));
  return found('host.environment', suspicious, `${texts.length} processes, none`);
}

/** Mounts that the kernel calls writable and that are not the worker's own memory: none may take a file. */
async function mounts(): Promise<readonly Trial[]> {
  const lines = (await readFile('/proc/self/mounts', 'utf8')).trimEnd().split('\n');
  const candidates = lines.flatMap((line) => {
    const [, target = '', type = '', options = ''] = line.split(' ');
    const isOwn = ownFileSystems.test(type) && writablePlaces.test(target);
    return isOwn || !options.split(',').includes('rw') ? [] : [target];
  });
  const tried = await Promise.all(candidates.map((target) => trial('host.mounts', target, () => writeMount(target))));
  return tried.length > 0 ? tried : found('host.mounts', [], 'none');
}

async function* filesBelow(folder: string): AsyncGenerator<string> {
  for (const entry of await readdir(folder, { withFileTypes: true }).catch(() => [])) {
    const path = join(folder, entry.name);
    if (tooMany.test(path)) continue;
    if (entry.isDirectory()) yield* filesBelow(path);
    else if (entry.isFile()) yield path;
  }
}

async function filesHolding(canary: Buffer): Promise<{ readonly holding: readonly string[]; readonly read: number }> {
  const holding: string[] = [];
  let read = 0;
  for await (const path of filesBelow('/')) {
    if (read >= mostFiles) break;
    read += 1;
    const size = await stat(path).then(
      (status) => status.size,
      () => Infinity,
    );
    if (size > largestFileBytes) continue;
    const content = await readFile(path).catch(() => Buffer.alloc(0));
    if (content.includes(canary)) holding.push(path);
  }
  return { holding, read };
}

async function canaries(reversed: string): Promise<readonly Trial[]> {
  const canary = Buffer.from([...reversed].toReversed().join(''));
  const inProcesses = [...(await processFiles('environ')), ...(await processFiles('cmdline'))];
  const mounted = await readFile('/proc/self/mountinfo');
  const { holding, read } = await filesHolding(canary);
  const places = [
    ...holding,
    ...(inProcesses.some((text) => text.includes(canary)) ? ['processes'] : []),
    ...(mounted.includes(canary) ? ['mounts'] : []),
  ];
  return [
    ...found('host.canary', places, `nowhere in ${read} files`),
    ...found('host.processes', inProcesses.some((text) => text.includes(canary)) ? ['seen'] : [], 'none seen'),
  ];
}

/** Attempts to find the host and what is secret there. */
export async function tryHost(bait: EscapeBait): Promise<readonly Trial[]> {
  const keys = [...homes.flatMap((home) => keyFiles.map((name) => `${home}/${name}`)), ...tokens];
  return [
    ...(await Promise.all([
      ...engineSockets.map((path) => trial('host.engine_socket', path, () => reachSocket(path))),
      ...bait.files.map((path) => trial('host.files', path, () => readSome(path))),
      ...kernelMemory.map((path) => trial('host.memory', path, () => readSome(path))),
      ...keys.map((path) => trial('host.keys', path, () => findIn(path))),
    ])),
    ...(await environment()),
    ...(await mounts()),
    ...(await canaries(bait.canary_reversed)),
  ];
}
