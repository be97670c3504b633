import { readFile } from 'node:fs/promises';
import { constants } from 'node:os';
import type { EscapeAttemptId, EscapeBait } from '@agentcompany/protocol';
import { callRaw } from './raw-caller.ts';
import { harmlessCall, lineOf, systemCallsOf } from './system-calls.ts';
import { errorName, type Trial } from './verdict.ts';

/** Address families, socket types and protocols as Linux numbers them (linux/socket.h, linux/netlink.h). */
const family = { unix: 1, inet: 2, inet6: 10, netlink: 16, packet: 17, algorithm: 38, vsock: 40 } as const;
const [stream, datagram, raw, sequential] = [1, 2, 3, 5] as const;

interface Attempt {
  readonly id: EscapeAttemptId;
  readonly name: string;
  /** Null where this architecture lacks it. */
  readonly line: string | null;
}

const socket = (id: EscapeAttemptId, name: string, ...args: readonly (number | string)[]): Attempt => ({
  id,
  name,
  line: ['socket', ...args].join(' '),
});

const others = { can: 29, tipc: 30, rds: 21, bluetooth: 31, nfc: 39, smc: 43, xdp: 44, key: 15 };
const netlinks = { audit: 9, netfilter: 12, events: 15 };

/** A name in the abstract name space as `struct sockaddr_un`. */
function abstractAddress(name: string): string {
  return `x${Buffer.concat([Buffer.from([family.unix, 0, 0]), Buffer.from(name)]).toString('hex')}`;
}

function socketAttempts(bait: EscapeBait): readonly Attempt[] {
  return [
    socket('network.abstract', 'connected', family.unix, stream, 0, abstractAddress(bait.abstract_name)),
    socket('network.vsock', 'stream', family.vsock, stream, 0),
    socket('network.vsock', 'datagram', family.vsock, datagram, 0),
    socket('network.packet', 'raw', family.packet, raw, 0),
    socket('network.packet', 'datagram', family.packet, datagram, 0),
    socket('network.raw', 'IPv4', family.inet, raw, 1),
    socket('network.raw', 'IPv6', family.inet6, raw, 58),
    socket('network.algorithm', 'made', family.algorithm, sequential, 0),
    ...Object.entries(netlinks).map(([name, protocol]) =>
      socket('network.netlink', name, family.netlink, raw, protocol),
    ),
    ...Object.entries(others).flatMap(([name, number]) =>
      [stream, datagram, raw, sequential].map((type) => socket('network.families', name, number, type, 0)),
    ),
  ];
}

/** The process above this one that is the worker's runtime; this one where there is none. */
async function runtimeProcess(): Promise<number> {
  for (let current = process.ppid; current > 1;) {
    const line = await readFile(`/proc/${current}/cmdline`, 'utf8').catch(() => '');
    if (line.includes('runtime.mjs')) return current;
    const status = await readFile(`/proc/${current}/status`, 'utf8').catch(() => '');
    current = Number(/^PPid:\s*(\d+)$/m.exec(status)?.[1] ?? 0);
  }
  return process.pid;
}

/** The two answers of a filter; another means that the kernel has looked at the call. */
const refusals: ReadonlySet<number> = new Set([constants.errno.EPERM, constants.errno.ENOSYS]);
/** A family the kernel was not built with. */
const unknownFamily = 97;

function problemIn(answer: string, isCall: boolean): string | null {
  const number = Number(answer);
  if (!Number.isInteger(number)) return answer === 'ok' ? null : answer;
  const isRefused = !isCall || refusals.has(number) || number === constants.errno.EACCES;
  return isRefused ? (number === unknownFamily ? 'EAFNOSUPPORT' : errorName(number)) : null;
}

/** Attempts that need raw system calls or sockets. A call counts as held only where a filter refused it: the kernel never looked at it. */
export async function tryCalls(bait: EscapeBait): Promise<readonly Trial[]> {
  const calls = Object.entries(systemCallsOf(await runtimeProcess())).flatMap(([id, list]) =>
    (list ?? []).map((call): Attempt => {
      return { id: id as EscapeAttemptId, name: call.name, line: lineOf(call, process.arch) };
    }),
  );
  const attempts = [...socketAttempts(bait), ...calls];
  const untried = (why: string): readonly Trial[] =>
    attempts.map(({ id, name }) => ({ id, name, problem: why, untried: true }));
  const harmless = lineOf(harmlessCall, process.arch);
  if (harmless === null) return untried(`no table of calls for ${process.arch}`);
  const lines = [harmless, ...attempts.map(({ line }) => line ?? harmless)];
  const answers = await callRaw(lines);
  if (answers === null) return untried('no perl in the image');
  if (answers[0] !== 'ok') return untried(`a harmless call failed: ${answers[0] ?? ''}`);
  return attempts.map(({ id, name, line }, index) => ({
    id,
    name,
    problem: line === null ? 'not on this architecture' : problemIn(answers[index + 1] ?? '', line.startsWith('call')),
  }));
}
