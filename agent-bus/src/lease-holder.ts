import { randomUUID } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import { bootId } from './file-system.ts';

/** Who holds a lease: a process, told apart from a later one with the same pid by its start time. */
interface Holder {
  /** Machine, boot and process namespace: pids of another one say nothing here. */
  readonly namespace: string;
  readonly pid: number;
  /** Clock ticks since boot (proc(5), field 22); 0 where the system does not tell. */
  readonly started: string;
}

/** The boot and the pid namespace, or the name of a machine that tells neither: a bus may be shared by several machines. */
function namespace(): string {
  try {
    const pids = /\d+/.exec(readlinkSync('/proc/self/ns/pid'))?.[0] ?? '0';
    return `${bootId()}-${pids}`;
  } catch {
    return hostname().replaceAll(/[^\w-]/g, '-');
  }
}

/** Start time of a living process; null where there is none; '0' where the system tells no start times. */
function startOf(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '0';
  } catch {
    return isAlive(pid) ? '0' : null;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (cause) {
    return cause instanceof Error && 'code' in cause && cause.code === 'EPERM';
  }
}

const self: Holder = { namespace: namespace(), pid: process.pid, started: startOf(process.pid) ?? '0' };

/** A new lease token; it names this process, so that its leases need not be waited out when it dies. */
export function newLeaseToken(): string {
  return `${self.namespace}.${self.pid}.${self.started}.${randomUUID()}`;
}

/** True when the process that was given `token` certainly lives no more. In doubt, the lease's deadline decides. */
export function isHolderGone(token: string): boolean {
  const [ns, pid, started] = token.split('.');
  if (ns !== self.namespace || pid === undefined || !/^\d+$/.test(pid)) return false;
  const now = startOf(Number(pid));
  return now === null || (started !== '0' && now !== '0' && now !== started);
}
