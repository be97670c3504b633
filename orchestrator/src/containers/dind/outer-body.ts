import { createHash } from 'node:crypto';
import { labelNames } from '../worker-labels.ts';
import { exchangeTarget, outerScript } from './outer-script.ts';

/** All that may differ between the outer containers of two companies; everything else is fixed. */
export interface OuterContainer {
  /** The uuid of the company home, or of a worker host's folder. */
  readonly instance: string;
  /** `sha256:…` of an image with dockerd, containerd and runc. */
  readonly imageId: string;
  /** Absolute host folder, private to the owner, in which the inner engine puts its socket. */
  readonly exchangeFolder: string;
  /** Absolute host folders that workers mount from, shown to the inner engine read-only at the same path. */
  readonly sharedFolders: readonly string[];
  /** Number of the group that may use the socket. */
  readonly group: number;
  /** Of the engine and all its workers together. */
  readonly limits: { readonly memoryBytes: number; readonly pids: number; readonly cpus: number };
}

/** What an engine needs to make containers, and no more: `Privileged` would be all capabilities and every device. */
const capabilities = [
  'CHOWN',
  'DAC_OVERRIDE',
  'DAC_READ_SEARCH',
  'FOWNER',
  'FSETID',
  'KILL',
  'MKNOD',
  'NET_ADMIN',
  'SETFCAP',
  'SETGID',
  'SETPCAP',
  'SETUID',
  'SYS_ADMIN',
  'SYS_CHROOT',
  'SYS_PTRACE',
];

/** The one outer container of a company: found again by this name, so a restart goes on with it. */
export function outerName(instance: string): string {
  return `agentcompany-engine-${instance}`;
}

function bind(folder: string, target: string, readOnly: boolean) {
  return {
    Type: 'bind' as const,
    Source: folder,
    Target: target,
    ReadOnly: readOnly,
    BindOptions: { Propagation: 'rprivate' as const },
  };
}

function hostConfig({ exchangeFolder, sharedFolders, limits }: OuterContainer) {
  return {
    NetworkMode: 'none',
    Privileged: false,
    ReadonlyRootfs: true,
    CapDrop: ['ALL'],
    CapAdd: capabilities,
    SecurityOpt: ['seccomp=unconfined', 'apparmor=unconfined'],
    MaskedPaths: [],
    ReadonlyPaths: [],
    DeviceCgroupRules: ['a *:* rwm'],
    // Its workers' groups lie below its own, so that its limits hold for all of them together.
    CgroupnsMode: 'private',
    PidsLimit: limits.pids,
    Memory: limits.memoryBytes,
    MemorySwap: limits.memoryBytes,
    NanoCpus: Math.round(limits.cpus * 1e9),
    IpcMode: 'private',
    PidMode: '',
    UTSMode: '',
    Devices: [],
    VolumesFrom: [],
    Binds: [],
    ExtraHosts: [],
    Links: [],
    Tmpfs: {
      '/run': 'rw,nosuid,nodev,size=67108864,mode=0755',
      '/tmp': 'rw,nosuid,nodev,size=67108864,mode=1777',
      '/etc/docker': 'rw,noexec,nosuid,nodev,size=1048576,mode=0700',
    },
    Mounts: [
      bind(exchangeFolder, exchangeTarget, false),
      ...sharedFolders.map((folder) => bind(folder, folder, true)),
      // Without a name: it goes with the container.
      { Type: 'volume' as const, Target: '/var/lib/docker' },
    ],
    LogConfig: { Type: 'json-file', Config: { 'max-size': '1m', 'max-file': '1' } },
    RestartPolicy: { Name: 'no' },
    AutoRemove: false,
    Init: true,
    Runtime: 'runc',
  };
}

/** The create body of an outer container: nothing that a person, a task or a mail wrote can reach it but folders and limits. */
export function outerBody(container: OuterContainer) {
  const body = {
    Image: container.imageId,
    User: '0:0',
    Entrypoint: ['/bin/sh', '-c', outerScript, 'engine', String(container.group)],
    Cmd: [],
    WorkingDir: '/',
    Env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', 'DOCKER_TLS_CERTDIR='],
    Tty: false,
    OpenStdin: false,
    AttachStdin: false,
    AttachStdout: false,
    AttachStderr: false,
    NetworkDisabled: true,
    Healthcheck: { Test: ['NONE'] },
    StopTimeout: 10,
    HostConfig: hostConfig(container),
  };
  const specification = createHash('sha256').update(JSON.stringify(body)).digest('hex');
  return {
    ...body,
    Labels: { [labelNames.instance]: container.instance, [labelNames.specification]: specification },
  };
}
