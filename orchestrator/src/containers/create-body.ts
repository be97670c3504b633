import type { EngineInfo } from './container-engine.ts';
import { seccompProfile } from './seccomp-profile.ts';
import type { WorkerContainer } from './worker-container.ts';
import { ownerLabels } from './worker-labels.ts';

/** User and group every worker runs as; the image need not know it. */
export const workerUid = 10_001;
/** Where the mirror and the runtime lie inside every worker. */
const mirrorTarget = '/mirror.git';
const runtimeTarget = '/opt/worker';
const largestFileBytes = 1_073_741_824;

const environment = [
  'PATH=/usr/local/bin:/usr/bin:/bin',
  'HOME=/workspace/home',
  'LD_PRELOAD=',
  `GIT_CONFIG_GLOBAL=${runtimeTarget}/gitconfig`,
  'GIT_TERMINAL_PROMPT=0',
];

function readOnlyMount(source: string, target: string) {
  return {
    Type: 'bind' as const,
    Source: source,
    Target: target,
    ReadOnly: true,
    BindOptions: { Propagation: 'rprivate' as const, NonRecursive: true },
  };
}

function mounts(container: WorkerContainer) {
  const mirror = readOnlyMount(container.mirrorFolder, mirrorTarget);
  const runtime = container.runtimeFolder === null ? [] : [readOnlyMount(container.runtimeFolder, runtimeTarget)];
  const caches = container.caches.map(({ folder, target }) => readOnlyMount(folder, target));
  return [mirror, ...runtime, ...caches];
}

function limit(name: string, value: number) {
  return { Name: name, Soft: value, Hard: value };
}

function hostConfig(container: WorkerContainer, features: EngineFeatures) {
  const { limits } = container;
  const owner = `uid=${workerUid},gid=${workerUid}`;
  return {
    NetworkMode: 'none',
    Privileged: false,
    ReadonlyRootfs: true,
    CapDrop: ['ALL'],
    CapAdd: [],
    SecurityOpt: [
      'no-new-privileges:true',
      `seccomp=${seccompProfile}`,
      ...(features.appArmor ? ['apparmor=docker-default'] : []),
    ],
    PidsLimit: limits.pids,
    Memory: limits.memoryBytes,
    MemorySwap: limits.memoryBytes,
    NanoCpus: Math.round(limits.cpus * 1e9),
    OomScoreAdj: 500,
    Ulimits: [limit('nofile', 4096), limit('core', 0), limit('fsize', largestFileBytes)],
    IpcMode: 'none',
    PidMode: '',
    UTSMode: '',
    UsernsMode: '',
    Devices: [],
    DeviceRequests: [],
    VolumesFrom: [],
    Binds: [],
    GroupAdd: [],
    ExtraHosts: [],
    Links: [],
    Tmpfs: {
      '/tmp': `rw,noexec,nosuid,nodev,size=${limits.temporaryBytes},mode=1777`,
      '/workspace': `rw,exec,nosuid,nodev,size=${limits.workspaceBytes},mode=0700,${owner}`,
    },
    Mounts: mounts(container),
    LogConfig: { Type: 'none', Config: {} },
    RestartPolicy: { Name: 'no' },
    // The container is removed by us once its result is durable: AutoRemove would lose results (spec security §0.9).
    AutoRemove: false,
    Init: true,
    Runtime: 'runc',
  };
}

/** What the engine can do, as far as the body depends on it. */
export interface EngineFeatures {
  readonly appArmor: boolean;
}

/**
 * The create body of a worker (spec security §1), built field by field from typed values: nothing that a person, a task or
 * a mail wrote can reach it but through labels, the mirror's folder and the limits (S2, S3).
 */
export function createBody(container: WorkerContainer, features: EngineFeatures) {
  const body = {
    Image: container.imageId,
    User: `${workerUid}:${workerUid}`,
    Entrypoint: [`${runtimeTarget}/runtime`],
    Cmd: [],
    WorkingDir: '/workspace',
    Env: [...environment],
    Tty: false,
    OpenStdin: true,
    StdinOnce: true,
    AttachStdin: true,
    AttachStdout: true,
    AttachStderr: true,
    NetworkDisabled: true,
    Healthcheck: { Test: ['NONE'] },
    StopTimeout: 5,
    HostConfig: hostConfig(container, features),
  };
  return { ...body, Labels: ownerLabels(container.owner, JSON.stringify(body)) };
}

export type CreateBody = ReturnType<typeof createBody>;

/** The features of an engine as it describes them. */
export function engineFeatures(info: EngineInfo): EngineFeatures {
  return { appArmor: info.securityOptions.some((option) => option.split(',').includes('name=apparmor')) };
}
