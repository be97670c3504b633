import type { SelfReport } from '@agentcompany/protocol';
import { describe, expect, it } from 'vitest';
import { checkEngineLimits, confinementDifferences } from './confinement.ts';

const limits = { memoryBytes: 2 ** 31 + 100, pids: 256, cpus: 1.5, workspaceBytes: 1, temporaryBytes: 1 };
const report: SelfReport = {
  uid: 10_001,
  capabilities_bounding: '0000000000000000',
  no_new_privileges: true,
  seccomp_mode: 2,
  interfaces: ['lo'],
  memory_limit_bytes: 2 ** 31,
  pids_limit: 256,
  cpu_limit: 1.5,
  file_bytes_limit: 2 ** 30,
  core_bytes_limit: 0,
  open_files_limit: 4096,
  mounts: [
    { target: '/', type: 'overlay', writable: false },
    { target: '/workspace', type: 'tmpfs', writable: true },
  ],
  exposed_paths: [],
  node_version: 'v24.0.0',
};

const strict = { acceptNoLimits: false, podman: null };
const lenient = { acceptNoLimits: true, podman: null };

describe('what a worker reports of its confinement', () => {
  it('S1 is accepted when it is what was asked, memory rounded down to a page', () => {
    expect(confinementDifferences(report, limits, strict)).toEqual([]);
  });

  const changes: readonly Partial<SelfReport>[] = [
    { uid: 0 },
    { capabilities_bounding: '0000000000200000' },
    { capabilities_bounding: '' },
    { no_new_privileges: false },
    { seccomp_mode: 0 },
    { interfaces: ['eth0', 'lo'] },
    { memory_limit_bytes: null },
    { memory_limit_bytes: 2 ** 32 },
    { pids_limit: null },
    { pids_limit: 512 },
    { cpu_limit: null },
    { cpu_limit: 2 },
  ];
  it.each(changes)('S1 is refused when one field differs: %o', (change) => {
    expect(confinementDifferences({ ...report, ...change }, limits, strict)).toHaveLength(1);
  });

  const podman = { seccompFile: '/profile', limits: true };
  const unshown: readonly Partial<SelfReport>[] = [
    { file_bytes_limit: null },
    { core_bytes_limit: null },
    { open_files_limit: 20_000 },
    { exposed_paths: ['/proc/kcore'] },
    { mounts: [...report.mounts, { target: '/dev/shm', type: 'tmpfs', writable: true }] },
    { mounts: [...report.mounts, { target: '/var/tmp', type: 'tmpfs', writable: true }] },
    { mounts: [{ target: '/', type: 'overlay', writable: true }] },
    { mounts: [] },
  ];
  it.each(unshown)('S1 of Podman, what inspect does not show is held against the report: %o', (change) => {
    expect(confinementDifferences(report, limits, { ...strict, podman })).toEqual([]);
    expect(confinementDifferences({ ...report, ...change }, limits, { ...strict, podman })).toHaveLength(1);
  });

  it('S12 where Podman cannot limit, the limits are those of its service: accepted only on purpose', () => {
    const shared = { ...report, memory_limit_bytes: 2 ** 35, pids_limit: null, cpu_limit: null };
    const unlimited = { ...podman, limits: false };
    expect(confinementDifferences(shared, limits, { acceptNoLimits: true, podman: unlimited })).toEqual([]);
    expect(confinementDifferences(shared, limits, { acceptNoLimits: false, podman: unlimited })).toHaveLength(3);
    expect(confinementDifferences(shared, limits, { acceptNoLimits: true, podman })).toHaveLength(1);
  });

  it('S12 an absent limit is accepted only on purpose; a wrong one never', () => {
    const without = { ...report, memory_limit_bytes: null, pids_limit: null, cpu_limit: null };
    expect(confinementDifferences(without, limits, lenient)).toEqual([]);
    expect(confinementDifferences({ ...report, pids_limit: 512 }, limits, lenient)).toHaveLength(1);
  });

  it('S12 an engine that says it enforces no limits is refused by name', () => {
    const info = {
      name: 'n',
      flavour: 'docker' as const,
      rootless: false,
      apiVersion: '1',
      osType: 'linux',
      cgroupVersion: '1',
      memoryLimit: true,
      pidsLimit: false,
      cpuLimit: false,
      securityOptions: [],
      seccompFile: null,
      dataRoot: '/',
    };
    expect(checkEngineLimits({ ...info, pidsLimit: true, cpuLimit: true }).ok).toBe(true);
    expect(checkEngineLimits(info)).toMatchObject({
      error: { code: 'AC_ENGINE_NO_LIMITS', message: expect.stringContaining('processes, CPU') },
    });
  });
});
