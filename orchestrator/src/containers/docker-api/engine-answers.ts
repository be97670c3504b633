import type { ContainerInspectInfo, ImageInfo, ImageInspectInfo } from 'dockerode';
import type { ContainerDetails, ContainerState, EngineInfo, ImageDetails, ListedImage } from '../container-engine.ts';
import { runRootWarning } from './podman-run-root.ts';
import { seccompFile } from './seccomp-file.ts';

const statuses = ['created', 'running', 'paused', 'restarting', 'removing', 'exited', 'dead'] as const;

function containerState(state: ContainerInspectInfo['State']): ContainerState {
  const status = statuses.find((known) => known === state.Status) ?? 'dead';
  const hasEnded = status === 'exited' || status === 'dead';
  return { status, exitCode: hasEnded ? state.ExitCode : null, outOfMemory: state.OOMKilled };
}

/** An inspect answer in our terms, with the answer itself beside it. */
export function containerDetails(answer: ContainerInspectInfo): ContainerDetails {
  return {
    id: answer.Id,
    name: answer.Name.replace(/^\//, ''),
    labels: answer.Config.Labels ?? {},
    state: containerState(answer.State),
    raw: { ...answer },
  };
}

/** An image inspect answer in our terms. Fields that an image does not set are absent or null there. */
export function imageDetails(answer: ImageInspectInfo): ImageDetails {
  const config: Partial<ImageInspectInfo['Config']> = answer.Config ?? {};
  const test = config.Healthcheck?.Test ?? [];
  const onBuild: unknown = config.OnBuild;
  return {
    id: answer.Id,
    architecture: answer.Architecture,
    environment: config.Env ?? [],
    labels: config.Labels ?? {},
    volumes: Object.keys(config.Volumes ?? {}),
    hasHealthcheck: test.length > 0 && test[0] !== 'NONE',
    onBuild: Array.isArray(onBuild) ? onBuild.map(String) : [],
    layers: answer.RootFS?.Layers ?? [],
    bytes: answer.Size,
  };
}

/** An entry of an image list in our terms; the name that Docker gives to what has none is left out, and Podman's prefix. */
export function listedImage({ Id, RepoTags, Size, Created }: ImageInfo): ListedImage {
  const references = (RepoTags ?? []).map((tag) => tag.replace(/^localhost\//, ''));
  return {
    id: Id.startsWith('sha256:') ? Id : `sha256:${Id}`,
    references: references.filter((tag) => !tag.startsWith('<none>')),
    bytes: Size,
    createdAt: Created * 1000,
  };
}

function field(answer: unknown, name: string): unknown {
  return typeof answer === 'object' && answer !== null ? Reflect.get(answer, name) : undefined;
}

function textField(answer: unknown, name: string): string {
  const value = field(answer, name);
  return typeof value === 'string' ? value : '';
}

/** Whether it is Podman that answered a question for its version. */
export function isPodman(version: unknown): boolean {
  const components = field(version, 'Components');
  return Array.isArray(components) && components.some((component) => textField(component, 'Name') === 'Podman Engine');
}

/**
 * What the engine says of itself; a limit it does not mention counts as not enforced. No user can set limits on cgroup
 * version 1: Podman claims there what the machine could do, and ignores what it is asked. Podman runs every container in the OCI
 * runtime of its containers.conf, runc or its twin crun on most machines, whichever a container asks for. `own`: what Podman says of
 * itself beside Docker's API, else null.
 */
export function engineInfo(info: unknown, version: unknown, own: unknown, ociRuntime: string): EngineInfo {
  const options = field(info, 'SecurityOptions');
  const securityOptions = Array.isArray(options) ? options.map(String) : [];
  const cgroupVersion = textField(info, 'CgroupVersion');
  const rootless =
    field(info, 'Rootless') === true || securityOptions.some((option) => /^name=rootless\b/.test(option));
  const mayLimit = !rootless || cgroupVersion !== '1';
  return {
    name: textField(info, 'Name'),
    flavour: isPodman(version) ? 'podman' : 'docker',
    rootless,
    apiVersion: textField(version, 'ApiVersion'),
    osType: textField(info, 'OSType'),
    cgroupVersion,
    memoryLimit: mayLimit && field(info, 'MemoryLimit') === true,
    pidsLimit: mayLimit && field(info, 'PidsLimit') === true,
    cpuLimit: mayLimit && field(info, 'CpuCfsQuota') === true,
    securityOptions,
    seccompFile: isPodman(version) ? seccompFile() : null,
    dataRoot: textField(info, 'DockerRootDir'),
    ociRuntimes: isPodman(version)
      ? [...new Set([textField(info, 'DefaultRuntime'), 'runc'])]
      : Object.keys(Object(field(info, 'Runtimes') ?? {}) as object),
    ociRuntime,
    warning: runRootWarning(textField(field(own, 'store'), 'runRoot'), textField(version, 'Version')),
  };
}
