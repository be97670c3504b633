import type { SelfReport } from '@agentcompany/protocol';
import { describe, expect, it } from 'vitest';
import { checkEngineLimits, confinementDifferences, withHostLimits } from './confinement.ts';
import type { EngineInfo } from './container-engine.ts';
import { checkOciRuntime } from './oci-runtime.ts';

const limits = {
  memoryBytes: 2 ** 31 + 100,
  pids: 256,
  cpus: 1.5,
  workspaceBytes: 2 ** 30 + 100,
  temporaryBytes: 2 ** 28,
};
const expected = {
  limits,
  places: { workspace: limits.workspaceBytes, temporary: limits.temporaryBytes },
  appArmor: false,
  ociRuntime: 'runc',
  enforcesLimits: true,
  podman: null,
  acceptNoLimits: false,
};
const report: SelfReport = {
  kernel: 'Linux version 6.1.0',
  apparmor_profile: null,
  workspace_bytes: 2 ** 30 + 4096,
  temporary_bytes: 2 ** 28,
  open_files_limit: 4096,
  file_size_limit_bytes: 2 ** 30,
  core_size_limit_bytes: 0,
  uid: 10_001,
  capabilities_bounding: '0000000000000000',
  no_new_privileges: true,
  seccomp_mode: 2,
  interfaces: ['lo'],
  memory_limit_bytes: 2 ** 31,
  pids_limit: 256,
  cpu_limit: 1.5,
  mounts: [
    { target: '/', type: 'overlay', writable: false },
    { target: '/workspace', type: 'tmpfs', writable: true },
  ],
  exposed_paths: [],
  node_version: 'v24.0.0',
};

const engine: EngineInfo = {
  name: 'n',
  flavour: 'docker',
  rootless: false,
  apiVersion: '1',
  osType: 'linux',
  cgroupVersion: '1',
  memoryLimit: true,
  pidsLimit: true,
  cpuLimit: true,
  securityOptions: [],
  seccompFile: null,
  dataRoot: '/',
  ociRuntimes: ['runc'],
  ociRuntime: 'runc',
  warning: null,
};

describe('what a worker reports of its confinement', () => {
  it('S1 is accepted when it is what was asked, memory rounded down to a page', () => {
    expect(confinementDifferences(report, expected)).toEqual([]);
  });

  it('S9 has its share of the workspace where a volume takes the place of the repository', () => {
    const shared = { ...expected, places: { workspace: 2 ** 29, temporary: null } };
    expect(confinementDifferences(report, shared)).toHaveLength(1);
    expect(confinementDifferences({ ...report, workspace_bytes: 2 ** 29, temporary_bytes: null }, shared)).toEqual([]);
  });

  const changes: readonly Partial<SelfReport>[] = [
    { uid: 0 },
    { capabilities_bounding: '0000000000200000' },
    { capabilities_bounding: '' },
    { no_new_privileges: false },
    { no_new_privileges: null },
    { interfaces: ['unknown'] },
    { workspace_bytes: null },
    { workspace_bytes: 2 ** 31 },
    { temporary_bytes: null },
    { temporary_bytes: 2 ** 27 },
    { open_files_limit: null },
    { open_files_limit: 1_048_576 },
    { file_size_limit_bytes: null },
    { file_size_limit_bytes: 2 ** 40 },
    { core_size_limit_bytes: null },
    { core_size_limit_bytes: 1 },
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
    expect(confinementDifferences({ ...report, ...change }, expected)).toHaveLength(1);
  });

  it('S1 wants AppArmor to hold the worker where the engine has it', () => {
    const armed = { ...expected, appArmor: true };
    expect(confinementDifferences({ ...report, apparmor_profile: 'docker-default (enforce)' }, armed)).toEqual([]);
    for (const profile of [null, 'unconfined', 'other (enforce)'])
      expect(confinementDifferences({ ...report, apparmor_profile: profile }, armed)).toHaveLength(1);
  });

  const gVisor = {
    ...report,
    kernel: 'Linux version 4.4.0 #1 SMP Sun Jan 10 15:06:54 PST 2016',
    no_new_privileges: null,
    memory_limit_bytes: null,
    pids_limit: null,
    cpu_limit: null,
  };

  it('S19 takes the limits that gVisor does not show from the machine, and no one else may hide them', async () => {
    const host = { memoryBytes: 2 ** 31, pids: 256, cpus: 1.5 };
    const inside = { ...expected, ociRuntime: 'runsc' };
    const seen = await withHostLimits(gVisor, async () => host);
    expect(confinementDifferences(seen, inside)).toEqual([]);
    const nowhere = await withHostLimits(gVisor, async () => ({ memoryBytes: null, pids: null, cpus: null }));
    expect(confinementDifferences(nowhere, inside)).toHaveLength(3);
    const hidden = await withHostLimits({ ...gVisor, kernel: report.kernel }, async () => host);
    expect(confinementDifferences(hidden, expected)).toHaveLength(4);
  });

  it('S19 a worker that was meant for gVisor and sees another kernel is refused', () => {
    expect(confinementDifferences(report, { ...expected, ociRuntime: 'runsc-kvm' })).toEqual([
      "its kernel is Linux version 6.1.0, not gVisor's",
    ]);
  });

  it('S19 an OCI runtime that the engine does not have is refused with those it has', () => {
    const ociRuntimes = ['io.containerd.runc.v2', 'runc', 'crun'];
    expect(checkOciRuntime({ ...engine, ociRuntimes, ociRuntime: 'crun' }).ok).toBe(true);
    expect(checkOciRuntime({ ...engine, ociRuntimes, ociRuntime: 'runsc' })).toMatchObject({
      error: {
        code: 'AC_OCI_RUNTIME_UNKNOWN',
        message: expect.stringMatching(/no OCI runtime runsc; it has: crun, runc$/),
      },
    });
  });

  const podman = { seccompFile: '/profile' };
  const unshown: readonly Partial<SelfReport>[] = [
    { exposed_paths: ['/proc/kcore'] },
    { mounts: [...report.mounts, { target: '/dev/shm', type: 'tmpfs', writable: true }] },
    { mounts: [...report.mounts, { target: '/var/tmp', type: 'tmpfs', writable: true }] },
    { mounts: [{ target: '/', type: 'overlay', writable: true }] },
    { mounts: [] },
  ];
  it.each(unshown)('S1 of Podman, what inspect does not show is held against the report: %o', (change) => {
    expect(confinementDifferences(report, { ...expected, podman })).toEqual([]);
    expect(confinementDifferences({ ...report, ...change }, { ...expected, podman })).toHaveLength(1);
  });

  it('S12 where an engine cannot limit, the limits are its own: accepted only on purpose', () => {
    const shared = { ...report, memory_limit_bytes: 2 ** 35, pids_limit: null, cpu_limit: null };
    const unlimited = { ...expected, enforcesLimits: false };
    expect(confinementDifferences(shared, { ...unlimited, acceptNoLimits: true })).toEqual([]);
    expect(confinementDifferences(shared, unlimited)).toHaveLength(3);
    expect(confinementDifferences(shared, { ...expected, acceptNoLimits: true })).toHaveLength(1);
  });

  it('S12 an absent limit is accepted only on purpose; a wrong one never', () => {
    const accepting = { ...expected, acceptNoLimits: true };
    const without = { ...report, memory_limit_bytes: null, pids_limit: null, cpu_limit: null };
    expect(confinementDifferences(without, accepting)).toEqual([]);
    expect(confinementDifferences({ ...report, pids_limit: 512 }, accepting)).toHaveLength(1);
  });

  it('S12 an engine that says it enforces no limits is refused by name', () => {
    const info = { ...engine, pidsLimit: false, cpuLimit: false };
    expect(checkEngineLimits({ ...info, pidsLimit: true, cpuLimit: true }).ok).toBe(true);
    expect(checkEngineLimits(info)).toMatchObject({
      error: { code: 'AC_ENGINE_NO_LIMITS', message: expect.stringContaining('processes, CPU') },
    });
  });
});
