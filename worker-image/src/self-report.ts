import { access, readdir, readFile } from 'node:fs/promises';
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

/** Network interfaces that are up: kernels put idle tunnel devices into every namespace, and only a capability could raise them. */
async function interfacesUp(root: string): Promise<string[]> {
  const names = await readdir(root).catch(() => []);
  const flags = await Promise.all(names.map((name) => readText(`${root}/${name}/flags`)));
  const up = 1;
  return names.filter((_name, index) => (Number(flags[index] ?? up) & up) === up).toSorted();
}

function statusField(status: string, name: string): string {
  return new RegExp(`^${name}:\\s*(\\S+)`, 'm').exec(status)?.[1] ?? '';
}

/** Reads how this process is confined, from the kernel (spec security S1). `root` stands before every path, for tests. */
export async function readSelfReport(root = ''): Promise<SelfReport> {
  const status = (await readText(`${root}/proc/self/status`)) ?? '';
  const groups = `${root}/sys/fs/cgroup`;
  return {
    uid: Number(statusField(status, 'Uid') || -1),
    capabilities_bounding: statusField(status, 'CapBnd'),
    no_new_privileges: statusField(status, 'NoNewPrivs') === '1',
    seccomp_mode: Number(statusField(status, 'Seccomp') || -1),
    interfaces: await interfacesUp(`${root}/sys/class/net`),
    memory_limit_bytes: await readLimit(`${groups}/memory.max`, `${groups}/memory/memory.limit_in_bytes`),
    pids_limit: await readLimit(`${groups}/pids.max`, `${groups}/pids/pids.max`),
    cpu_limit: await readCpuLimit(groups),
    ...(await readProcessLimits(root)),
    ...(await readMounts(root)),
    node_version: process.version,
  };
}

type Fields<Name extends keyof SelfReport> = Pick<SelfReport, Name>;

/** The hard limits, which only go down. What cannot be read counts as no limit. */
async function readProcessLimits(
  root: string,
): Promise<Fields<'file_bytes_limit' | 'core_bytes_limit' | 'open_files_limit'>> {
  const limits = (await readText(`${root}/proc/self/limits`)) ?? '';
  const hard = (name: string): number | null => {
    const value = new RegExp(`^${name}\\s+\\S+\\s+(\\d+)`, 'm').exec(limits)?.[1];
    return value === undefined ? null : Number(value);
  };
  return {
    file_bytes_limit: hard('Max file size'),
    core_bytes_limit: hard('Max core file size'),
    open_files_limit: hard('Max open files'),
  };
}

/** Hidden by an empty file or folder mounted over them. */
const hiddenPaths = ['/proc/kcore', '/proc/keys', '/proc/timer_list', '/sys/firmware'];
/** Mounted over themselves, read-only. */
const protectedPaths = ['/proc/sys', '/proc/sysrq-trigger', '/proc/irq', '/proc/bus'];
const hidingTypes = new Set(['tmpfs', 'devtmpfs']);

/** What is mounted, from /proc/self/mountinfo (proc_pid_mountinfo(5)); of two on one target the later one is seen. */
async function readMounts(root: string): Promise<Fields<'mounts' | 'exposed_paths'>> {
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
