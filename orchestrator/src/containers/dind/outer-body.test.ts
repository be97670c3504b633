import { cpus } from 'node:os';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { outerLimits } from './dind-place.ts';
import { outerBody, type OuterContainer } from './outer-body.ts';

const container: OuterContainer = {
  instance: 'i',
  imageId: `sha256:${'a'.repeat(64)}`,
  exchangeFolder: '/home/engine',
  sharedFolders: ['/mirrors', '/runtime'],
  group: 0,
  limits: { memoryBytes: 2 ** 33, pids: 4096, cpus: 2 },
};

describe('the create body of the outer container', () => {
  it('C18 is not privileged, has no network, and shows of the host three folders, one of them writable', () => {
    const { HostConfig: host, NetworkDisabled: isAlone } = outerBody(container);
    expect([host.Privileged, host.NetworkMode, isAlone, host.PidMode, host.ReadonlyRootfs]).toEqual([
      false,
      'none',
      true,
      '',
      true,
    ]);
    expect(host.CapAdd).not.toEqual(expect.arrayContaining(['SYS_MODULE', 'SYS_RAWIO', 'SYS_BOOT', 'SYS_TIME', 'BPF']));
    expect(host.Mounts).toEqual([
      {
        Type: 'bind',
        Source: '/home/engine',
        Target: '/run/engine',
        ReadOnly: false,
        BindOptions: { Propagation: 'rprivate' },
      },
      {
        Type: 'bind',
        Source: '/mirrors',
        Target: '/mirrors',
        ReadOnly: true,
        BindOptions: { Propagation: 'rprivate' },
      },
      {
        Type: 'bind',
        Source: '/runtime',
        Target: '/runtime',
        ReadOnly: true,
        BindOptions: { Propagation: 'rprivate' },
      },
      { Type: 'volume', Target: '/var/lib/docker' },
    ]);
  });

  it('C18 S3 differs for any input only in owner, image, folders, group and limits', () => {
    const amount = fc.integer({ min: 1, max: 2 ** 40 });
    const anything = fc.record({
      instance: fc.string(),
      imageId: fc.string(),
      exchangeFolder: fc.string(),
      sharedFolders: fc.constant(['/x', '/y']),
      group: fc.nat(),
      limits: fc.record({ memoryBytes: amount, pids: amount, cpus: fc.integer({ min: 1, max: 64 }) }),
    });
    const strip = (made: ReturnType<typeof outerBody>): unknown => {
      const { Labels: labels, Image: _image, Entrypoint: entry, HostConfig: host, ...rest } = made;
      const { Memory: _memory, MemorySwap: _swap, PidsLimit: _pids, NanoCpus: _cpus, Mounts: mounts, ...fixed } = host;
      const forms = mounts.map((mount) => ({ ...mount, Source: null, Target: null }));
      return { rest, fixed, forms, entry: entry.slice(0, -1), labels: Object.keys(labels) };
    };
    const golden = strip(outerBody(container));
    fc.assert(fc.property(anything, (value) => expect(strip(outerBody(value))).toEqual(golden)));
  });

  it('is found again by its form: the same for the same, another for another', () => {
    const form = (changes: Partial<OuterContainer>) =>
      outerBody({ ...container, ...changes }).Labels['agentcompany.spec'];
    expect(form({})).toBe(form({}));
    const others = [
      { imageId: 'x' },
      { sharedFolders: [] },
      { group: 7 },
      { limits: { ...container.limits, pids: 1 } },
    ];
    expect(new Set([form({}), ...others.map(form)]).size).toBe(others.length + 1);
  });

  it('S12 has room for its workers and itself, and no more processors than there are', () => {
    const gibibyte = 2 ** 30;
    const limits = outerLimits({ count: 3, memoryBytes: 2 * gibibyte, cpus: 0.1 });
    expect(limits.memoryBytes).toBe(7 * gibibyte);
    expect(limits.cpus).toBeCloseTo(Math.min(1.3, cpus().length));
    expect(outerLimits({ count: 256, memoryBytes: 1, cpus: 64 }).cpus).toBe(cpus().length);
  });
});
