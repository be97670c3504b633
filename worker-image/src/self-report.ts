import { access, readdir, readFile, statfs } from 'node:fs/promises';
import type { SelfReport } from '@agentcompany/protocol';

async function readText(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8');
  } catch {
    return null;
  }
}

/** A limit file of either cgroup version; `max`, absent, or larger than any machine counts as no limit. */
async function readLimit(...paths: readonly string[]): Promise<number | null> {
  for (const path of paths) {
    const text = await readText(path);
    if (text === null) continue;
    const value = Number(text.trim());
    return Number.isSafeInteger(value) && value > 0 && value < 2 ** 52 ? value : null;
  }
  return null;
}

function quotaShare(quota: number, period: number): number | null {
  return Number.isFinite(quota) && quota > 0 && period > 0 ? quota / period : null;
}

async function readCpuLimit(root: string): Promise<number | null> {
  const unified = await readText(`${root}/cpu.max`);
  if (unified !== null) {
    const [quota, period] = unified.trim().split(' ');
    return quotaShare(Number(quota), Number(period));
  }
  const quota = await readText(`${root}/cpu/cpu.cfs_quota_us`);
  const period = await readText(`${root}/cpu/cpu.cfs_period_us`);
  return quota === null || period === null ? null : quotaShare(Number(quota), Number(period));
}

/** Names in /proc/net/dev, for kernels without /sys/class/net; one that tells neither is no kernel without a network. */
async function devices(file: string): Promise<string[]> {
  const text = await readText(file);
  if (text === null) return ['unknown'];
  return [...text.matchAll(/^\s*([^\s:]+):/gm)].map((match) => match[1] ?? '');
}

/** Network interfaces that are up: kernels put idle tunnel devices into every namespace, and only a capability could raise them. */
async function interfacesUp(root: string): Promise<string[]> {
  const folder = `${root}/sys/class/net`;
  const names = await readdir(folder).catch(() => devices(`${root}/proc/net/dev`));
  const flags = await Promise.all(names.map((name) => readText(`${folder}/${name}/flags`)));
  const up = 1;
  return names.filter((_name, index) => (Number(flags[index] ?? up) & up) === up).toSorted();
}

function statusField(status: string, name: string): string {
  return new RegExp(`^${name}:\\s*(\\S+)`, 'm').exec(status)?.[1] ?? '';
}

const tmpfsMagic = 0x01_02_19_94;

/** Bytes that a file system in memory may hold; null where the folder lies on another. */
async function memoryBytes(folder: string): Promise<number | null> {
  try {
    const { type, bsize, blocks } = await statfs(folder);
    return type === tmpfsMagic ? bsize * blocks : null;
  } catch {
    return null;
  }
}

/** The hard limits of this process, as getrlimit tells them: gVisor has no /proc/self/limits. */
function hardLimit(name: string): number | null {
  // Its names of peers would be asked of a name server.
  Object.assign(process.report, { excludeNetwork: true });
  const report: unknown = process.report.getReport();
  const limits: unknown = typeof report === 'object' && report !== null ? Reflect.get(report, 'userLimits') : null;
  const limit: unknown = typeof limits === 'object' && limits !== null ? Reflect.get(limits, name) : null;
  const hard: unknown = typeof limit === 'object' && limit !== null ? Reflect.get(limit, 'hard') : null;
  return typeof hard === 'number' ? hard : null;
}

async function appArmorProfile(root: string): Promise<string | null> {
  const folder = `${root}/proc/self/attr`;
  const text = (await readText(`${folder}/apparmor/current`)) ?? (await readText(`${folder}/current`));
  return text === null || text.trim() === '' ? null : text.trim();
}

function yesOrNo(field: string): boolean | null {
  return field === '' ? null : field === '1';
}

/** Reads how this process is confined, from the kernel (spec security S1). `root` stands before every path, for tests. */
export async function readSelfReport(root = ''): Promise<SelfReport> {
  const status = (await readText(`${root}/proc/self/status`)) ?? '';
  const groups = `${root}/sys/fs/cgroup`;
  return {
    kernel: ((await readText(`${root}/proc/version`)) ?? '').trim().slice(0, 200),
    uid: Number(statusField(status, 'Uid') || -1),
    capabilities_bounding: statusField(status, 'CapBnd'),
    no_new_privileges: yesOrNo(statusField(status, 'NoNewPrivs')),
    seccomp_mode: Number(statusField(status, 'Seccomp') || -1),
    apparmor_profile: await appArmorProfile(root),
    interfaces: await interfacesUp(root),
    memory_limit_bytes: await readLimit(`${groups}/memory.max`, `${groups}/memory/memory.limit_in_bytes`),
    pids_limit: await readLimit(`${groups}/pids.max`, `${groups}/pids/pids.max`),
    cpu_limit: await readCpuLimit(groups),
    workspace_bytes: await memoryBytes(`${root}/workspace`),
    temporary_bytes: await memoryBytes(`${root}/tmp`),
    open_files_limit: hardLimit('open_files'),
    file_size_limit_bytes: hardLimit('file_size_blocks'),
    core_size_limit_bytes: hardLimit('core_file_size_blocks'),
    ...(await readMounts(root)),
    node_version: process.version,
  };
}

/** Hidden by an empty file or folder mounted over them. */
const hiddenPaths = ['/proc/kcore', '/proc/keys', '/proc/timer_list', '/sys/firmware'];
/** Mounted over themselves, read-only. */
const protectedPaths = ['/proc/sys', '/proc/sysrq-trigger', '/proc/irq', '/proc/bus'];
const hidingTypes = new Set(['tmpfs', 'devtmpfs']);

/** What is mounted, from /proc/self/mountinfo (proc_pid_mountinfo(5)); of two on one target the later one is seen. */
async function readMounts(root: string): Promise<Pick<SelfReport, 'mounts' | 'exposed_paths'>> {
  const lines = ((await readText(`${root}/proc/self/mountinfo`)) ?? '').split('\n').filter((line) => line !== '');
  const found = new Map(
    lines.map((line) => {
      const [before = '', after = ''] = line.split(' - ');
      const [, , , , target = '', options = ''] = before.split(' ');
      const [type = '', , superOptions = ''] = after.split(' ');
      const isReadOnly = [options, superOptions].some((words) => words.split(',').includes('ro'));
      return [target, { target, type, writable: !isReadOnly }] as const;
    }),
  );
  const exists = async (path: string): Promise<boolean> =>
    access(root + path).then(
      () => true,
      () => false,
    );
  const isGuarded = (path: string): boolean => {
    const mount = found.get(path);
    if (mount === undefined) return false;
    return hiddenPaths.includes(path) ? hidingTypes.has(mount.type) : !mount.writable;
  };
  const exposed: string[] = [];
  for (const path of [...hiddenPaths, ...protectedPaths])
    if (!isGuarded(path) && (await exists(path))) exposed.push(path);
  return { mounts: [...found.values()].slice(0, 1000), exposed_paths: exposed };
}

/** How many processes of this container the kernel has killed for want of memory. */
export async function memoryKills(root = '/sys/fs/cgroup'): Promise<number> {
  const text = (await readText(`${root}/memory.events`)) ?? (await readText(`${root}/memory/memory.oom_control`)) ?? '';
  return Number(/^oom_kill (\d+)$/m.exec(text)?.[1] ?? 0);
}

/** How often the kernel has refused this container another process. */
export async function processRefusals(root = '/sys/fs/cgroup'): Promise<number> {
  const text = (await readText(`${root}/pids.events`)) ?? (await readText(`${root}/pids/pids.events`)) ?? '';
  return Number(/^max (\d+)$/m.exec(text)?.[1] ?? 0);
}
