import { failure, success, type Result, type SelfReport } from '@agentcompany/protocol';
import type { EngineInfo } from './container-engine.ts';
import { workerUid } from './create-body.ts';
import { containerErrors } from './errors.ts';
import type { WorkerLimits } from './worker-container.ts';

const pageBytes = 4096;
const filteringSeccomp = 2;

function isMemoryAsAsked(asked: number, found: number | null): boolean {
  // The kernel rounds the limit down to whole pages.
  return found !== null && found <= asked && asked - found < pageBytes;
}

/**
 * What differs between how a worker says it is confined and how it was meant to be; empty means nothing (S1).
 * Where the engine is accepted without limits (`acceptNoLimits`) a limit that is absent is no difference.
 */
export function confinementDifferences(
  report: SelfReport,
  limits: WorkerLimits,
  acceptNoLimits: boolean,
): readonly string[] {
  const isAccepted = (found: number | null): boolean => acceptNoLimits && found === null;
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
  return rules.filter(([holds]) => !holds).map(([, difference]) => difference);
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
