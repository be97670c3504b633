import { failure, success, type Result, type SelfReport } from '@agentcompany/protocol';
import type { EngineInfo } from './container-engine.ts';
import { largestFileBytes, openFiles, workerUid, type EngineFeatures } from './create-body.ts';
import { containerErrors } from './errors.ts';
import type { WorkerLimits } from './worker-container.ts';

const pageBytes = 4096;
const filteringSeccomp = 2;

function isMemoryAsAsked(asked: number, found: number | null): boolean {
  // The kernel rounds the limit down to whole pages.
  return found !== null && found <= asked && asked - found < pageBytes;
}

/** Under which terms a worker runs. */
export interface ConfinementTerms {
  /** `accept_no_limits`: a limit that is absent is no difference. */
  readonly acceptNoLimits: boolean;
  readonly podman: EngineFeatures['podman'];
}

/** What differs between how a worker says it is confined and how it was meant to be; empty means nothing (S1). */
export function confinementDifferences(
  report: SelfReport,
  limits: WorkerLimits,
  { acceptNoLimits, podman }: ConfinementTerms,
): readonly string[] {
  // Where Podman cannot limit, a container shares the limits of Podman itself, whatever they are.
  const isUnlimited = podman?.limits === false;
  const isAccepted = (found: number | null): boolean => acceptNoLimits && (found === null || isUnlimited);
  const rules: readonly (readonly [boolean, string])[] = [
    [report.uid === workerUid, `its user is ${report.uid}, not ${workerUid}`],
    [/^0+$/.test(report.capabilities_bounding), `its capabilities are ${report.capabilities_bounding}, not none`],
    [report.no_new_privileges, 'it may gain privileges'],
    [report.seccomp_mode === filteringSeccomp, `its seccomp mode is ${report.seccomp_mode}, not ${filteringSeccomp}`],
    [report.interfaces.every((name) => name === 'lo'), `it has the network interfaces ${report.interfaces.join(', ')}`],
    [
      isMemoryAsAsked(limits.memoryBytes, report.memory_limit_bytes) || isAccepted(report.memory_limit_bytes),
      `its memory limit is ${report.memory_limit_bytes ?? 'absent'}, not ${limits.memoryBytes}`,
    ],
    [
      report.pids_limit === limits.pids || isAccepted(report.pids_limit),
      `its process limit is ${report.pids_limit ?? 'absent'}, not ${limits.pids}`,
    ],
    [
      Math.abs((report.cpu_limit ?? Infinity) - limits.cpus) < 0.01 || isAccepted(report.cpu_limit),
      `its CPU limit is ${report.cpu_limit ?? 'absent'}, not ${limits.cpus}`,
    ],
  ];
  const inside = podman === null ? [] : provenInside(report);
  return [...rules, ...inside].filter(([holds]) => !holds).map(([, difference]) => difference);
}

/** Where a worker may write: its tmpfs, and what the kernel shows to every process. */
const writablePlaces = /^\/(tmp|workspace|dev|proc|sys\/fs\/cgroup)(\/|$)/;

/** What inspect does not show of a container of Podman's (see podman-inspect.ts). */
function provenInside(report: SelfReport): readonly (readonly [boolean, string])[] {
  const { file_bytes_limit: file, core_bytes_limit: core, open_files_limit: open, exposed_paths: exposed } = report;
  const writable = report.mounts.filter((mount) => mount.writable && !writablePlaces.test(mount.target));
  return [
    [file === largestFileBytes, `its files may have ${file ?? 'any number of'} bytes, not ${largestFileBytes}`],
    [core === 0, `its cores may have ${core ?? 'any number of'} bytes, not none`],
    [open === openFiles, `it may open ${open ?? 'any number of'} files, not ${openFiles}`],
    [exposed.length === 0, `it sees or may write ${exposed.join(', ')}`],
    [!report.mounts.some(({ target }) => target === '/dev/shm'), 'it has /dev/shm'],
    [writable.length === 0, `it may write to ${writable.map(({ target }) => target).join(', ')}`],
    [report.mounts.length > 0, 'it does not see what is mounted'],
  ];
}

/** Whether the engine says it enforces memory, process and CPU limits (S12). Error: `AC_ENGINE_NO_LIMITS` naming those it does not. */
export function checkEngineLimits(info: EngineInfo): Result<undefined> {
  const missing = [
    info.memoryLimit ? [] : ['memory'],
    info.pidsLimit ? [] : ['processes'],
    info.cpuLimit ? [] : ['CPU'],
  ].flat();
  return missing.length === 0
    ? success()
    : failure(containerErrors.AC_ENGINE_NO_LIMITS({ missing: missing.join(', ') }));
}
