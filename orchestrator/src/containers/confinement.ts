import { failure, success, type Result, type SelfReport } from '@agentcompany/protocol';
import type { EngineInfo } from './container-engine.ts';
import { processLimits, workerUid, type EngineFeatures } from './create-body.ts';
import { containerErrors } from './errors.ts';
import type { HostLimits } from './host-limits.ts';
import { isGVisor, namesGVisor } from './oci-runtime.ts';
import type { WorkerLimits } from './worker-container.ts';

const pageBytes = 4096;
const filteringSeccomp = 2;

type Rule = readonly [boolean, string];

/** What a worker was to be confined to. */
export interface ExpectedConfinement {
  readonly limits: WorkerLimits;
  /** Bytes of /workspace and /tmp; null: it is no memory. */
  readonly places: { readonly workspace: number | null; readonly temporary: number | null };
  readonly appArmor: boolean;
  readonly ociRuntime: string;
  readonly enforcesLimits: boolean;
  readonly podman: EngineFeatures['podman'];
  /** Where the engine is accepted without limits, a limit that is absent is no difference. */
  readonly acceptNoLimits: boolean;
}

function isRoundedDown(asked: number, found: number | null): boolean {
  // The kernel rounds limits of memory to whole pages.
  return found !== null && found <= asked && asked - found < pageBytes;
}

function isRounded(asked: number | null, found: number | null): boolean {
  if (asked === null) return true;
  return found !== null && Math.abs(asked - found) < pageBytes;
}

function* resourceRules(report: SelfReport, expected: ExpectedConfinement): Generator<Rule> {
  const { limits, places, acceptNoLimits, enforcesLimits } = expected;
  // Where the engine cannot limit, a container shares the limits of the engine itself, whatever they are.
  const isAccepted = (found: number | null): boolean => acceptNoLimits && (found === null || !enforcesLimits);
  const { memory_limit_bytes: memory, pids_limit: pids, cpu_limit: cpus } = report;
  yield [
    isRoundedDown(limits.memoryBytes, memory) || isAccepted(memory),
    `its memory limit is ${memory ?? 'absent'}, not ${limits.memoryBytes}`,
  ];
  yield [pids === limits.pids || isAccepted(pids), `its process limit is ${pids ?? 'absent'}, not ${limits.pids}`];
  yield [
    Math.abs((cpus ?? Infinity) - limits.cpus) < 0.01 || isAccepted(cpus),
    `its CPU limit is ${cpus ?? 'absent'}, not ${limits.cpus}`,
  ];
  yield [
    isRounded(places.workspace, report.workspace_bytes),
    `its workspace holds ${report.workspace_bytes ?? 'what the disk does'}, not ${places.workspace} bytes`,
  ];
  yield [
    isRounded(places.temporary, report.temporary_bytes),
    `its /tmp holds ${report.temporary_bytes ?? 'what the disk does'}, not ${places.temporary} bytes`,
  ];
  const found = {
    nofile: report.open_files_limit,
    fsize: report.file_size_limit_bytes,
    core: report.core_size_limit_bytes,
  };
  for (const [name, asked] of Object.entries(processLimits)) {
    const value = found[name as keyof typeof found];
    yield [value === asked, `its limit ${name} is ${value ?? 'absent'}, not ${asked}`];
  }
}

function* kernelRules(report: SelfReport, expected: ExpectedConfinement): Generator<Rule> {
  const inGVisor = isGVisor(report.kernel);
  if (namesGVisor(expected.ociRuntime)) yield [inGVisor, `its kernel is ${report.kernel.slice(0, 80)}, not gVisor's`];
  yield [report.uid === workerUid, `its user is ${report.uid}, not ${workerUid}`];
  yield [/^0+$/.test(report.capabilities_bounding), `its capabilities are ${report.capabilities_bounding}, not none`];
  // gVisor's kernel gives no program privileges by setuid, and does not say so (no_new_privs is always set there).
  const mayGain = report.no_new_privileges === null ? !inGVisor : !report.no_new_privileges;
  yield [!mayGain, 'it may gain privileges'];
  yield [
    report.seccomp_mode === filteringSeccomp,
    `its seccomp mode is ${report.seccomp_mode}, not ${filteringSeccomp}${inGVisor ? ' (runsc needs --oci-seccomp in its runtimeArgs)' : ''}`,
  ];
  yield [
    !expected.appArmor || (report.apparmor_profile ?? '').startsWith('docker-default'),
    `its AppArmor profile is ${report.apparmor_profile ?? 'absent'}, not docker-default`,
  ];
  yield [
    report.interfaces.every((name) => name === 'lo'),
    `it has the network interfaces ${report.interfaces.join(', ')}`,
  ];
}

/** Where a worker may write: its tmpfs, and what the kernel shows to every process. */
const writablePlaces = /^\/(tmp|workspace|dev|proc|sys\/fs\/cgroup)(\/|$)/;

/** What inspect does not show of a container of Podman's (see asked-words.ts). */
function* unshownRules({ mounts, exposed_paths: exposed }: SelfReport): Generator<Rule> {
  const writable = mounts.filter((mount) => mount.writable && !writablePlaces.test(mount.target));
  yield [mounts.length > 0, 'it does not see what is mounted'];
  yield [!mounts.some(({ target }) => target === '/dev/shm'), 'it has /dev/shm'];
  yield [writable.length === 0, `it may write to ${writable.map(({ target }) => target).join(', ')}`];
  yield [exposed.length === 0, `it sees or may write ${exposed.join(', ')}`];
}

/** What differs between how a worker says it is confined and how it was meant to be; empty means nothing (S1). */
export function confinementDifferences(report: SelfReport, expected: ExpectedConfinement): readonly string[] {
  const unshown = expected.podman === null ? [] : unshownRules(report);
  const rules = [...kernelRules(report, expected), ...resourceRules(report, expected), ...unshown];
  return rules.filter(([holds]) => !holds).map(([, difference]) => difference);
}

/**
 * The report with the limits that its kernel does not show taken from the control groups of this machine. Only gVisor hides them: under any
 * other kernel a limit that the worker does not see is not there.
 */
export async function withHostLimits(report: SelfReport, read: () => Promise<HostLimits>): Promise<SelfReport> {
  if (!isGVisor(report.kernel)) return report;
  const host = await read();
  return {
    ...report,
    memory_limit_bytes: report.memory_limit_bytes ?? host.memoryBytes,
    pids_limit: report.pids_limit ?? host.pids,
    cpu_limit: report.cpu_limit ?? host.cpus,
  };
}

/** What of memory, processes and CPU the engine says it does not limit. */
export function missingLimits({ memoryLimit, pidsLimit, cpuLimit }: EngineInfo): readonly string[] {
  return [memoryLimit ? [] : ['memory'], pidsLimit ? [] : ['processes'], cpuLimit ? [] : ['CPU']].flat();
}

/** Whether the engine says it enforces memory, process and CPU limits (S12). Error: `AC_ENGINE_NO_LIMITS` naming those it does not. */
export function checkEngineLimits(info: EngineInfo): Result<undefined> {
  const missing = missingLimits(info);
  return missing.length === 0
    ? success()
    : failure(containerErrors.AC_ENGINE_NO_LIMITS({ missing: missing.join(', ') }));
}
