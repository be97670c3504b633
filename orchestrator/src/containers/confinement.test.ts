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
  node_version: 'v24.0.0',
};

describe('what a worker reports of its confinement', () => {
  it('S1 is accepted when it is what was asked, memory rounded down to a page', () => {
    expect(confinementDifferences(report, limits, false)).toEqual([]);
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
    expect(confinementDifferences({ ...report, ...change }, limits, false)).toHaveLength(1);
  });

  it('S12 an absent limit is accepted only on purpose; a wrong one never', () => {
    const without = { ...report, memory_limit_bytes: null, pids_limit: null, cpu_limit: null };
    expect(confinementDifferences(without, limits, true)).toEqual([]);
    expect(confinementDifferences({ ...report, pids_limit: 512 }, limits, true)).toHaveLength(1);
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
