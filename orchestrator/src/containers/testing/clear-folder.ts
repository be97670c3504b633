import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);
const endMs = 30_000;

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

/** True once nothing of that process runs any more; a zombie counts as gone. */
export function hasEnded(pid: number): boolean {
  const state = /\)\s+(\S)/.exec(textOf(`/proc/${pid}/stat`))?.[1];
  return state === undefined || state === 'Z';
}

function childrenOf(pid: number): number[] {
  const direct = textOf(`/proc/${pid}/task/${pid}/children`).split(' ').map(Number).filter(Boolean);
  return direct.flatMap((child) => [child, ...childrenOf(child)]);
}

/** Processes whose command line names `folder` (an engine's daemons and the shims of its containers), and their children. */
function processesOn(folder: string): number[] {
  const own = readdirSync('/proc')
    .map(Number)
    .filter((pid) => pid > 0 && pid !== process.pid);
  const found = own.filter((pid) => textOf(`/proc/${pid}/cmdline`).includes(folder));
  return [...new Set([...found, ...found.flatMap(childrenOf)])];
}

async function endAll(processes: readonly number[]): Promise<void> {
  for (const pid of processes)
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It has ended by itself.
    }
  const limit = performance.now() + endMs;
  while (!processes.every(hasEnded)) {
    if (performance.now() > limit) throw new Error(`processes ${processes.join(', ')} do not end`);
    await pause(20);
  }
}

/** The mounts below `folder`, innermost first. */
function mountsBelow(folder: string): string[] {
  const targets = textOf('/proc/self/mountinfo')
    .split('\n')
    .map((line) => line.split(' ')[4] ?? '');
  return targets.filter((target) => target.startsWith(`${folder}/`)).toReversed();
}

/** Removes the control groups of an engine whose `cgroup-parent` is `name`, children first, in either cgroup version. */
function removeGroups(name: string): void {
  const remove = (folder: string): void => {
    if (!existsSync(folder)) return;
    for (const entry of readdirSync(folder, { withFileTypes: true }))
      if (entry.isDirectory()) remove(join(folder, entry.name));
    rmdirSync(folder);
  };
  const controllers = readdirSync('/sys/fs/cgroup', { withFileTypes: true }).filter((entry) => entry.isDirectory());
  for (const controller of ['', ...controllers.map((entry) => entry.name)])
    remove(join('/sys/fs/cgroup', controller, name));
}

/**
 * Ends all that runs on a folder of an engine of a test's own, and `others` whose command line does not name it, and removes
 * the folder with its mounts and control groups.
 */
export async function clearFolder(folder: string, others: readonly number[] = []): Promise<void> {
  await endAll([...processesOn(folder), ...others]);
  for (const target of mountsBelow(folder)) await run('umount', ['--lazy', target]);
  removeGroups(basename(folder));
  await rm(folder, { recursive: true, force: true });
}
