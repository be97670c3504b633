import type { EngineInfo } from './container-engine.ts';
import { namesGVisor } from './oci-runtime.ts';
import { gVisorSeccompProfile, seccompProfile } from './seccomp-profile.ts';
import { memoryPlaces, purposeOf, type WorkerContainer } from './worker-container.ts';
import { ownerLabels } from './worker-labels.ts';

/** User and group every worker runs as; the image need not know it. */
export const workerUid = 10_001;
/** Where the mirror and the runtime lie inside every worker. */
const mirrorTarget = '/mirror.git';
const runtimeTarget = '/opt/worker';
/** Where the repository lies in every worker; a volume is mounted there instead of the checkout that is made otherwise. */
const repositoryTarget = '/workspace/repository';
/**
 * Where a checkout is prepared. An engine gives an empty volume the mode of what the image has in its place, and of no other folder is
 * it known that any user may write to it.
 */
const preparationTarget = '/tmp';
/** Not in any image: where an image has the folder, Podman gives a volume that folder's owner. */
const holdTarget = '/held';
const keptTarget = '/mnt';
/** Limits of each process, soft and hard: open files, bytes of one file, bytes of a core. */
export const processLimits = { nofile: 4096, fsize: 1_073_741_824, core: 0 } as const;

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

/** A volume of the engine. Without `NoCopy` an empty one gets content and mode of the image's folder in its place. */
function volumeMount(name: string, target: string, options: { ReadOnly?: boolean; NoCopy?: boolean } = {}) {
  const { ReadOnly = false, NoCopy = true } = options;
  return { Type: 'volume' as const, Source: name, Target: target, ReadOnly, VolumeOptions: { NoCopy } };
}

function mounts(container: WorkerContainer) {
  const { mirrorFolder, runtimeFolder, caches, workspaceVolume: volume } = container;
  const purpose = purposeOf(container.owner);
  if (purpose === 'hold') return heldVolumes(container);
  const folders = [
    readOnlyMount(mirrorFolder, mirrorTarget),
    ...(runtimeFolder === null ? [] : [readOnlyMount(runtimeFolder, runtimeTarget)]),
    ...caches.map(({ folder, target }) => readOnlyMount(folder, target)),
  ];
  if (volume === null) return folders;
  const repository =
    purpose === 'prepare'
      ? volumeMount(volume, preparationTarget, { NoCopy: false })
      : volumeMount(volume, repositoryTarget);
  return [...folders, repository];
}

function heldVolumes({ workspaceVolume, keptVolume }: WorkerContainer) {
  return [
    ...(workspaceVolume === null ? [] : [volumeMount(workspaceVolume, holdTarget)]),
    ...(keptVolume === undefined ? [] : [volumeMount(keptVolume, keptTarget, { ReadOnly: true })]),
  ];
}

/** What lies in memory, without what a volume takes the place of. */
function memoryFolders(container: WorkerContainer, { podman }: EngineFeatures): Record<string, string> {
  const { temporary, workspace } = memoryPlaces(container);
  // Podman's word for "owned by the container's user"; and unless told not to, it copies what the image has there.
  const owner = podman === null ? `uid=${workerUid},gid=${workerUid}` : 'U';
  const fresh = podman === null ? '' : ',notmpcopyup';
  const closed = `ro,noexec,nosuid,nodev,size=65536,mode=0755${fresh}`;
  return {
    ...(temporary === null ? {} : { '/tmp': `rw,noexec,nosuid,nodev,size=${temporary},mode=1777${fresh}` }),
    ...(workspace === null
      ? {}
      : { '/workspace': `rw,exec,nosuid,nodev,size=${workspace},mode=0700,${owner}${fresh}` }),
    // Podman puts writable folders without a limit there in every container whose root is read-only.
    ...(podman === null ? {} : { '/run': closed, '/var/tmp': closed }),
  };
}

/** Makes the two folders an overlay needs in the volume, says so, and keeps it mounted until the host goes away. */
const holdScript = `mkdir -m 0755 ${holdTarget}/upper ${holdTarget}/work && echo ready && exec cat`;

function limit(name: string, value: number) {
  return { Name: name, Soft: value, Hard: value };
}

function hostConfig(container: WorkerContainer, features: EngineFeatures) {
  const { limits } = container;
  return {
    NetworkMode: 'none',
    Privileged: false,
    ReadonlyRootfs: true,
    CapDrop: ['ALL'],
    CapAdd: [],
    SecurityOpt: [
      'no-new-privileges:true',
      `seccomp=${features.podman?.seccompFile ?? (namesGVisor(features.ociRuntime) ? gVisorSeccompProfile : seccompProfile)}`,
      ...(features.appArmor ? ['apparmor=docker-default'] : []),
    ],
    PidsLimit: limits.pids,
    Memory: limits.memoryBytes,
    MemorySwap: limits.memoryBytes,
    NanoCpus: Math.round(limits.cpus * 1e9),
    OomScoreAdj: 500,
    Ulimits: Object.entries(processLimits).map(([name, value]) => limit(name, value)),
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
    Tmpfs: memoryFolders(container, features),
    Mounts: mounts(container),
    LogConfig: { Type: 'none', Config: {} },
    RestartPolicy: { Name: 'no' },
    // The container is removed by us once its result is durable: AutoRemove would lose results (spec security §0.9).
    AutoRemove: false,
    Init: true,
    Runtime: features.ociRuntime,
  };
}

/** What the engine can do, as far as the body depends on it. */
export interface EngineFeatures {
  readonly appArmor: boolean;
  /** The OCI runtime workers run in, by the name it is registered under; always given, so that no engine's default is. */
  readonly ociRuntime: string;
  /** Whether it holds containers to limits of memory, processes and CPU here, or drops what is asked of them. */
  readonly enforcesLimits: boolean;
  /** Where Podman has its own way; null: the engine is Docker. */
  readonly podman: {
    /** It takes the profile by file, never as text. */
    readonly seccompFile: string;
  } | null;
}

/**
 * The create body of a worker (spec security §1), built field by field from typed values: nothing that a person, a task or
 * a mail wrote can reach it but through labels, the mirror's folder and the limits (S2, S3).
 */
export function createBody(container: WorkerContainer, features: EngineFeatures) {
  const isHolding = purposeOf(container.owner) === 'hold';
  const body = {
    Image: container.imageId,
    User: `${workerUid}:${workerUid}`,
    Entrypoint: isHolding ? ['/bin/sh', '-c', holdScript] : [`${runtimeTarget}/runtime`],
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
  return {
    appArmor: info.securityOptions.some((option) => option.split(',').includes('name=apparmor')),
    ociRuntime: info.ociRuntime,
    enforcesLimits: info.memoryLimit && info.pidsLimit && info.cpuLimit,
    podman: info.seccompFile === null ? null : { seccompFile: info.seccompFile },
  };
}
