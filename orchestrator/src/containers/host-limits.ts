import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ContainerEngine } from './container-engine.ts';

/** Limits of a container as the kernel of this machine holds them; null: not found, or none. */
export interface HostLimits {
  readonly memoryBytes: number | null;
  readonly pids: number | null;
  readonly cpus: number | null;
}

const unknown: HostLimits = { memoryBytes: null, pids: null, cpus: null };
const groupsFolder = '/sys/fs/cgroup';

async function textOf(...files: readonly string[]): Promise<string | null> {
  for (const file of files) {
    const text = await readFile(file, 'utf8').catch(() => null);
    if (text !== null) return text.trim();
  }
  return null;
}

function amount(text: string | null): number | null {
  const value = Number(text ?? Number.NaN);
  return Number.isSafeInteger(value) && value > 0 && value < 2 ** 52 ? value : null;
}

/**
 * The group of a process under one controller, in either cgroup version. Only one that is named after the container counts: where the
 * engine numbers processes otherwise (it runs in a container itself), the number is another process's here.
 */
function groupOf(text: string, controller: string, container: string): string | null {
  for (const line of text.split('\n')) {
    const [, controllers = '', path = ''] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    const isMeant = controllers === '' || controllers.split(',').includes(controller);
    if (!isMeant || !path.includes(container)) continue;
    return controllers === '' ? join(groupsFolder, path) : join(groupsFolder, controller, path);
  }
  return null;
}

async function cpusOf(group: string): Promise<number | null> {
  const unified = await textOf(`${group}/cpu.max`);
  const [quota, period] =
    unified === null
      ? [await textOf(`${group}/cpu.cfs_quota_us`), await textOf(`${group}/cpu.cfs_period_us`)]
      : unified.split(' ');
  const [used, of] = [amount(quota ?? null), amount(period ?? null)];
  return used === null || of === null ? null : used / of;
}

/**
 * Reads the limits of a running container from the control groups of this machine, for runtimes whose kernel does not show them
 * inside. `root` stands before /proc, for tests.
 */
export async function hostLimits(engine: ContainerEngine, container: string, root = ''): Promise<HostLimits> {
  const found = await engine.inspect(container);
  const state: unknown = found.ok ? found.value.raw['State'] : null;
  const pid: unknown = typeof state === 'object' && state !== null ? Reflect.get(state, 'Pid') : null;
  if (typeof pid !== 'number' || pid <= 1) return unknown;
  const groups = await textOf(`${root}/proc/${pid}/cgroup`);
  if (groups === null) return unknown;
  const group = (controller: string): string | null => groupOf(groups, controller, container);
  const [memory, pids, cpu] = [group('memory'), group('pids'), group('cpu')];
  return {
    memoryBytes:
      memory === null ? null : amount(await textOf(`${memory}/memory.max`, `${memory}/memory.limit_in_bytes`)),
    pids: pids === null ? null : amount(await textOf(`${pids}/pids.max`)),
    cpus: cpu === null ? null : await cpusOf(cpu),
  };
}
