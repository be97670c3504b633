import { readdir, readFile } from 'node:fs/promises';
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
    node_version: process.version,
  };
}

/** How many processes of this container the kernel has killed for want of memory. */
export async function memoryKills(root = '/sys/fs/cgroup'): Promise<number> {
  const text = (await readText(`${root}/memory.events`)) ?? (await readText(`${root}/memory/memory.oom_control`)) ?? '';
  return Number(/^oom_kill (\d+)$/m.exec(text)?.[1] ?? 0);
}
