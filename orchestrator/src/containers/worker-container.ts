/** Bytes, processes and CPUs a worker may use. */
export interface WorkerLimits {
  readonly memoryBytes: number;
  readonly pids: number;
  readonly cpus: number;
  readonly workspaceBytes: number;
  readonly temporaryBytes: number;
}

/** Who owns a container: exact values, written as labels and into the ledger (S16, S17). */
export interface WorkerOwner {
  /** The uuid of this company home. */
  readonly instance: string;
  readonly run: string;
  readonly task: string;
  readonly attempt: string;
  readonly epoch: number;
}

/** Where a cache lies inside every worker, by kind. */
export const cacheTargets = { npm: '/caches/npm', pip: '/caches/pip', go: '/caches/go' } as const;

/** A folder of packages that workers share, mounted read-only. */
export interface WorkerCache {
  /** Absolute, without links in it. */
  readonly folder: string;
  readonly target: (typeof cacheTargets)[keyof typeof cacheTargets];
}

/** All that may differ between two workers; everything else of the create body is fixed (spec: S2, S3, C16). */
export interface WorkerContainer {
  readonly owner: WorkerOwner;
  /** `sha256:…` of an image that passed the image policy (S13, S14). */
  readonly imageId: string;
  /** Absolute host folder of the project's bare mirror, mounted read-only. */
  readonly mirrorFolder: string;
  /** Absolute host folder of the worker runtime bundle, mounted read-only; null where the image carries it. */
  readonly runtimeFolder: string | null;
  readonly limits: WorkerLimits;
  readonly caches: readonly WorkerCache[];
}
