import type { Duplex, Readable } from 'node:stream';
import type { AppError, Result } from '@agentcompany/protocol';
import type { WorkerContainer } from './worker-container.ts';

/** What an engine says of itself. */
export interface EngineInfo {
  readonly name: string;
  /** Whose program answers: each words some of its answers in its own way. */
  readonly flavour: 'docker' | 'podman';
  /** Whether a plain user runs it: root inside a container is then nobody outside. */
  readonly rootless: boolean;
  readonly apiVersion: string;
  readonly osType: string;
  readonly cgroupVersion: string;
  readonly memoryLimit: boolean;
  readonly pidsLimit: boolean;
  readonly cpuLimit: boolean;
  readonly securityOptions: readonly string[];
  /** The file from which this engine reads the seccomp profile of workers; null: it takes the text. */
  readonly seccompFile: string | null;
  readonly dataRoot: string;
  /** OCI runtimes the engine has, by the names they are registered under. */
  readonly ociRuntimes: readonly string[];
  /** The one that workers are to run in here (`oci_runtime`). */
  readonly ociRuntime: string;
  /** What is amiss with it, though workers run: to be told, with its remedy. */
  readonly warning: AppError | null;
}

export interface ImageDetails {
  /** `sha256:…`: the only form a container is created from. */
  readonly id: string;
  readonly architecture: string;
  readonly environment: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  readonly volumes: readonly string[];
  readonly hasHealthcheck: boolean;
  readonly onBuild: readonly string[];
  /** Digests of its layers, lowest first: an image that begins with all layers of another shares them with it. */
  readonly layers: readonly string[];
  /** All its layers together. */
  readonly bytes: number;
}

/** One image as a list tells it. */
export interface ListedImage {
  readonly id: string;
  readonly references: readonly string[];
  readonly bytes: number;
  /** Unix milliseconds. */
  readonly createdAt: number;
}

/** What the commands of a build may use. */
export interface BuildLimits {
  readonly memoryBytes: number;
  readonly cpus: number;
}

export interface ContainerState {
  readonly status: 'created' | 'running' | 'paused' | 'restarting' | 'removing' | 'exited' | 'dead';
  readonly exitCode: number | null;
  readonly outOfMemory: boolean;
}

export interface ContainerDetails {
  readonly id: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly state: ContainerState;
  /** The raw inspect answer, for comparing with what was asked. */
  readonly raw: Readonly<Record<string, unknown>>;
}

export interface OwnedContainer {
  readonly id: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly running: boolean;
}

/** The attached standard streams: `door` is stdin + stdout with back-pressure, `log` is stderr. */
export interface Attachment {
  readonly door: Duplex;
  readonly log: Readable;
  close(): void;
}

/**
 * What a volume of the engine is made of: a folder on its disk; memory, limited and of the worker's user; or both, the one (`lower`)
 * read-only below what changes in the other (`changes`, which holds the folders `upper` and `work`). No folder of the host can be named.
 */
export type VolumeContent =
  | { readonly kind: 'disk' }
  | { readonly kind: 'memory'; readonly bytes: number }
  | { readonly kind: 'overlay'; readonly lower: string; readonly changes: string };

export interface EngineVolume {
  readonly name: string;
  /** The uuid of the company home that owns it. */
  readonly instance: string;
  readonly content: VolumeContent;
}

/**
 * A container engine, as the eighteen typed calls the product may make and no others (C18, docs/adr/0021-images-and-owners.md).
 * Nothing privileged can be expressed: a container is described by `WorkerContainer`, never by engine JSON.
 * Errors: `AC_ENGINE_ABSENT`, `AC_ENGINE_STOPPED`, `AC_ENGINE_FORBIDDEN`, `AC_IMAGE_UNKNOWN`, `AC_CONTAINER_UNKNOWN`, `AC_ENGINE_FAILED`.
 */
export interface ContainerEngine {
  create(container: WorkerContainer): Promise<Result<{ readonly id: string }>>;
  start(id: string): Promise<Result<undefined>>;
  attach(id: string): Promise<Result<Attachment>>;
  wait(id: string, signal?: AbortSignal): Promise<Result<{ readonly exitCode: number }>>;
  inspect(id: string): Promise<Result<ContainerDetails>>;
  kill(id: string): Promise<Result<undefined>>;
  remove(id: string): Promise<Result<undefined>>;
  list(instance: string): Promise<Result<readonly OwnedContainer[]>>;
  imageInspect(reference: string): Promise<Result<ImageDetails>>;
  imageImport(
    archive: Readable,
    options: { readonly tag: string; readonly changes: readonly string[] },
  ): Promise<Result<{ readonly id: string }>>;
  /** Its commands have no network. Ends early, as `AC_ENGINE_FAILED`, when `signal` aborts. */
  imageBuild(
    context: Readable,
    options: {
      readonly tag: string;
      readonly onLine: (line: string) => void;
      readonly limits?: BuildLimits;
      readonly signal?: AbortSignal;
    },
  ): Promise<Result<{ readonly id: string }>>;
  /** The images whose repository is exactly one of these. */
  imageList(repositories: readonly string[]): Promise<Result<readonly ListedImage[]>>;
  /**
   * Takes the name `reference` from its image, and removes the image with its last name; one that is gone is a success. Nothing that a
   * container or another image stands on goes: `AC_IMAGE_IN_USE`.
   */
  imageRemove(reference: string): Promise<Result<undefined>>;
  volumeCreate(volume: EngineVolume): Promise<Result<undefined>>;
  /** One that is gone already is a success. */
  volumeRemove(name: string): Promise<Result<undefined>>;
  info(): Promise<Result<EngineInfo>>;
  version(): Promise<Result<{ readonly version: string }>>;
  ping(): Promise<Result<undefined>>;
}
