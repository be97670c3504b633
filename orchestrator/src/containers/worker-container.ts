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

/**
 * What a container is for that belongs to no attempt. `warm`: a worker that waits for work; `prepare`: writes a checkout into a
 * volume; `hold`: keeps a volume in memory mounted.
 */
export type SparePurpose = 'warm' | 'prepare' | 'hold';

/** Who owns a container without an attempt: it is swept when its host process is gone. */
export interface SpareOwner {
  readonly instance: string;
  /** The host process that made it. */
  readonly host: string;
  readonly purpose: SparePurpose;
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
  readonly owner: WorkerOwner | SpareOwner;
  /** `sha256:…` of an image that passed the image policy (S13, S14). */
  readonly imageId: string;
  /** Absolute host folder of the project's bare mirror, mounted read-only. */
  readonly mirrorFolder: string;
  /** Absolute host folder of the worker runtime bundle, mounted read-only; null where the image carries it. */
  readonly runtimeFolder: string | null;
  readonly limits: WorkerLimits;
  readonly caches: readonly WorkerCache[];
  /** Name of the engine's volume that is the repository's folder; null: it lies in memory with the rest of the workspace. */
  readonly workspaceVolume: string | null;
  /** A volume that a holder has mounted read-only, so that the engine removes it for nobody. */
  readonly keptVolume?: string;
}

/** The folders of the host that a container has mounted, read-only each; one that only holds volumes has none. */
export function hostFolders(container: WorkerContainer): readonly string[] {
  if (purposeOf(container.owner) === 'hold') return [];
  const { mirrorFolder, runtimeFolder, caches } = container;
  return [mirrorFolder, ...(runtimeFolder === null ? [] : [runtimeFolder]), ...caches.map(({ folder }) => folder)];
}

/** What a container without an attempt is for; null where it has one. */
export function purposeOf(owner: WorkerOwner | SpareOwner): SparePurpose | null {
  return 'purpose' in owner ? owner.purpose : null;
}

/**
 * How the bytes of a workspace are shared out where its repository is a volume: what changes in the repository has three quarters of
 * them, and all else half. The checkout itself, which fills most of a workspace otherwise, is not counted.
 */
export function volumeShares({ workspaceBytes }: WorkerLimits): { readonly changes: number; readonly rest: number } {
  return { changes: Math.floor((workspaceBytes * 3) / 4), rest: Math.floor(workspaceBytes / 2) };
}

/** Bytes of the folders of a container that lie in memory; null: a volume takes the folder's place. */
export function memoryPlaces(container: WorkerContainer): {
  readonly workspace: number | null;
  readonly temporary: number | null;
} {
  const { owner, limits, workspaceVolume } = container;
  const purpose = purposeOf(owner);
  const workspace =
    workspaceVolume === null || purpose === 'prepare' ? limits.workspaceBytes : volumeShares(limits).rest;
  return {
    workspace: purpose === 'hold' ? null : workspace,
    temporary: purpose === 'prepare' ? null : limits.temporaryBytes,
  };
}
