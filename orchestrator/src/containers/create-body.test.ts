import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compareInspect } from './compare-inspect.ts';
import { createBody } from './create-body.ts';
import { seccompProfile } from './seccomp-profile.ts';
import type { WorkerContainer } from './worker-container.ts';

const container: WorkerContainer = {
  owner: { instance: 'i', run: 'r', task: 't', attempt: 'a', epoch: 3 },
  imageId: `sha256:${'a'.repeat(64)}`,
  mirrorFolder: '/mirrors/p.git',
  runtimeFolder: '/runtime',
  limits: { memoryBytes: 2 ** 31, pids: 256, cpus: 2, workspaceBytes: 2 ** 30, temporaryBytes: 2 ** 28 },
  workspaceVolume: null,
  caches: [{ folder: '/shared/_cacache', target: '/caches/npm' }],
};
const features = { appArmor: false, ociRuntime: 'runc', enforcesLimits: true, podman: null };

describe('the create body', () => {
  it('S2 is the same bytes whatever else the values carry, at any depth', () => {
    const smuggled = JSON.parse(
      JSON.stringify(container).replace(
        '"owner":{',
        '"Privileged":true,"hostconfig":{"Privileged":true},"owner":{"Binds":["/:/h"],',
      ),
    ) as WorkerContainer;
    const polluted = Object.assign(structuredClone(container), {
      limits: { ...container.limits, PidMode: 'host', __proto__: { Privileged: true } },
    });
    const golden = JSON.stringify(createBody(container, features));
    expect(JSON.stringify(createBody(smuggled, features))).toBe(golden);
    expect(JSON.stringify(createBody(polluted, features))).toBe(golden);
    expect(golden).not.toMatch(/"(hostconfig|Binds":\["|Privileged":true|PidMode":"host)/);
  });

  it('S3 differs for any input only in labels, image, folders and limits', () => {
    const text = fc.string();
    const amount = fc.integer({ min: 1, max: 2 ** 40 });
    const anything = fc.record({
      owner: fc.record({ instance: text, run: text, task: text, attempt: text, epoch: fc.nat() }),
      imageId: text,
      mirrorFolder: text,
      runtimeFolder: fc.constant('/runtime'),
      limits: fc.record({
        memoryBytes: amount,
        pids: amount,
        cpus: fc.integer({ min: 1, max: 64 }),
        workspaceBytes: amount,
        temporaryBytes: amount,
      }),
      workspaceVolume: fc.constant(null),
      caches: fc.tuple(fc.record({ folder: text, target: fc.constant('/caches/npm' as const) })),
    });
    const strip = (made: ReturnType<typeof createBody>): unknown => {
      const { Labels: _labels, Image: _image, HostConfig: host, ...rest } = made;
      const {
        Memory: _memory,
        MemorySwap: _swap,
        PidsLimit: _pids,
        NanoCpus: _cpus,
        Tmpfs: tmpfs,
        Mounts: mounts,
        ...fixed
      } = host;
      const sizes = Object.entries(tmpfs).map(([path, options]) => [path, options.replace(/size=\d+/, 'size=N')]);
      return { rest, fixed, sizes, mounts: mounts.map(({ Source: _source, ...mount }) => mount) };
    };
    const golden = strip(createBody(container, features));
    fc.assert(
      fc.property(anything, (value) => {
        expect(strip(createBody(value, features))).toEqual(golden);
      }),
    );
  });

  it('S2 S3 has a volume in the place of the repository, and nothing else changes but the shares of the workspace', () => {
    const golden = createBody(container, features);
    const mounted = createBody({ ...container, workspaceVolume: 'a-volume' }, features);
    const { Mounts: mounts, Tmpfs: memory, ...host } = mounted.HostConfig;
    const { Mounts: goldenMounts, Tmpfs: goldenMemory, ...goldenHost } = golden.HostConfig;
    expect({ ...mounted, HostConfig: host, Labels: {} }).toEqual({ ...golden, HostConfig: goldenHost, Labels: {} });
    expect(mounts).toEqual([
      ...goldenMounts,
      {
        Type: 'volume',
        Source: 'a-volume',
        Target: '/workspace/repository',
        ReadOnly: false,
        VolumeOptions: { NoCopy: true },
      },
    ]);
    expect(memory).toEqual({
      ...goldenMemory,
      '/workspace': (goldenMemory['/workspace'] ?? '').replace(`${2 ** 30}`, `${2 ** 29}`),
    });
  });

  it('S2 S3 of a container without an attempt differs from that of a worker in what it is for and in nothing that confines it', () => {
    const golden = createBody(container, features);
    for (const purpose of ['warm', 'prepare', 'hold'] as const) {
      const owner = { instance: 'i', host: 'h', purpose };
      const made = createBody({ ...container, owner, workspaceVolume: 'v', keptVolume: 'k' }, features);
      const { Mounts: mounts, Tmpfs: memory, ...host } = made.HostConfig;
      const { Mounts: _mounts, Tmpfs: _memory, ...goldenHost } = golden.HostConfig;
      expect(host).toEqual(goldenHost);
      expect(mounts.filter(({ Type, ReadOnly }) => Type === 'bind' && !ReadOnly)).toEqual([]);
      expect(mounts.filter(({ ReadOnly }) => !ReadOnly).map(({ Source }) => Source)).toEqual(['v']);
      expect(Object.values(memory).every((options) => /^rw,(no)?exec,nosuid,nodev,size=\d+/.test(options))).toBe(true);
      expect(made.User).toBe(golden.User);
      expect(Object.keys(made.Labels).toSorted()).toEqual([
        'agentcompany.host',
        'agentcompany.instance',
        'agentcompany.purpose',
        'agentcompany.spec',
      ]);
    }
  });

  it('asks for AppArmor where the engine has it, and mounts no runtime that the image carries', () => {
    expect(createBody(container, { ...features, appArmor: true }).HostConfig.SecurityOpt).toContain(
      'apparmor=docker-default',
    );
    expect(createBody({ ...container, runtimeFolder: null }, features).HostConfig.Mounts).toHaveLength(2);
  });

  it('S6 lists no dangerous system call in its seccomp profile, and sockets only by family', () => {
    const { defaultAction, syscalls } = JSON.parse(seccompProfile) as {
      defaultAction: string;
      syscalls: { names: string[]; action: string; args: unknown[] }[];
    };
    expect(defaultAction).toBe('SCMP_ACT_ERRNO');
    const free = new Set(
      syscalls
        .filter(({ action, args }) => action === 'SCMP_ACT_ALLOW' && args.length === 0)
        .flatMap(({ names }) => names),
    );
    const dangerous =
      'ptrace mount umount2 unshare setns bpf keyctl add_key request_key perf_event_open userfaultfd io_uring_setup io_uring_enter io_uring_register open_by_handle_at kexec_load init_module clone clone3 socket socketcall personality process_vm_readv reboot swapon';
    expect(dangerous.split(' ').filter((name) => free.has(name))).toEqual([]);
    expect(free.has('execve')).toBe(true);
  });
});

describe('comparing what was made with what was asked', () => {
  const body = createBody(container, features);
  const { HostConfig, Image, ...Config } = body;
  type Raw = {
    Image: string;
    Config: typeof Config & Record<string, unknown>;
    HostConfig: typeof HostConfig & Record<string, unknown>;
    Mounts: Record<string, unknown>[];
  };
  const honest = (): Raw =>
    structuredClone({
      Image,
      Config: { ...Config, Cmd: null as never },
      HostConfig: {
        ...HostConfig,
        CapAdd: null as never,
        MaskedPaths: ['/proc/kcore', '/proc/keys', '/sys/firmware'],
        ReadonlyPaths: ['/proc/sys', '/proc/sysrq-trigger'],
      },
      Mounts: HostConfig.Mounts.map(({ Source, Target }) => ({ Type: 'bind', Source, Destination: Target, RW: false })),
    });

  it('finds nothing in an honest answer, in which null stands for empty', () => {
    expect(compareInspect(body, honest(), features)).toEqual([]);
  });

  it('S1 finds every single field of the body that differs', () => {
    const missed: string[] = [];
    const alter = (value: unknown): unknown =>
      typeof value === 'boolean' ? !value : typeof value === 'number' ? value + 1 : ['something else'];
    for (const name of Object.keys(HostConfig)) {
      if (name === 'Mounts') continue;
      const raw = honest();
      Reflect.set(raw.HostConfig, name, alter(Reflect.get(HostConfig, name)));
      if (compareInspect(body, raw, features).length === 0) missed.push(`HostConfig.${name}`);
    }
    for (const name of Object.keys(Config)) {
      const raw = honest();
      Reflect.set(raw.Config, name, name === 'Labels' ? {} : alter(Reflect.get(Config, name)));
      if (compareInspect(body, raw, features).length === 0) missed.push(`Config.${name}`);
    }
    expect(missed).toEqual([]);
  });

  it.each([
    [
      'a mount more',
      (raw: Raw) => void raw.Mounts.push({ Type: 'bind', Source: '/', Destination: '/host', RW: false }),
    ],
    ['a mount less', (raw: Raw) => void raw.Mounts.pop()],
    ['a published port', (raw: Raw) => void (raw.HostConfig['PortBindings'] = { '80/tcp': [{}] })],
    ['a device rule', (raw: Raw) => void (raw.HostConfig['DeviceCgroupRules'] = ['a *:* rwm'])],
    ['a label of ours', (raw: Raw) => void Reflect.set(raw.Config.Labels, 'agentcompany.other', 'x')],
    ['an unprotected /proc/sys', (raw: Raw) => void (raw.HostConfig['ReadonlyPaths'] = [])],
  ])('S1 finds %s', (_name, alter) => {
    const raw = honest();
    alter(raw);
    expect(compareInspect(body, raw, features)).not.toEqual([]);
  });
});
