import type { AttemptServices } from '../door/attempt-services.ts';
import type { ProgressRequest, Result, WorkOrder, WorkReport } from '@agentcompany/protocol';
import type { WorkerLimits, WorkerOwner } from './worker-container.ts';

/** One piece of work for one fresh container. */
export interface WorkerJob {
  readonly owner: WorkerOwner;
  readonly order: WorkOrder;
  readonly mirrorFolder: string;
  /** Image reference a project names or id that is pinned, or null for the shipped worker image. */
  readonly image: string | null;
  readonly limits: WorkerLimits;
  /** Where the bundle is stored (`.part`, fsync, rename before the worker is answered); null for a verification. */
  readonly bundleFile: string | null;
  /** Where the container's stderr is stored, capped. */
  readonly logFile: string;
  /** Seconds the whole job may take. */
  readonly deadlineSeconds: number;
  readonly signal: AbortSignal;
  /** What the door offers besides the order. */
  readonly services: AttemptServices;
  /** Called once the container exists and before it is started, so that its owner is on record. */
  readonly onCreated: (containerId: string) => Promise<Result<undefined>>;
  readonly onProgress: (message: string) => void;
  /** Told of every beat and progress, however many come. */
  readonly onSign?: (sign: ProgressRequest) => void;
  /** Called with the outcome when the container is still to be removed: what follows from a result need not wait for that. */
  readonly onOutcome?: (outcome: Result<WorkerOutcome>) => void;
}

/** What says from which image a container is to be made. */
export interface ImageRequest {
  /** Reference that a project names; null: none. */
  readonly image: string | null;
  /** The code agent that has to be in it where no image is named; null: none has to. */
  readonly agent: string | null;
  /** Where the repository's own description lies, which counts where no image is named; null: it does not. */
  readonly devcontainer: { readonly mirrorFolder: string; readonly commit: string; readonly project: string } | null;
  /** The id that is on record: then it and no other is used. */
  readonly pinned: string | null;
}

/** A checkout that is kept in a volume of the engine for workspaces to be mounted on. */
export interface OwnedCheckout {
  readonly id: string;
  readonly mirrorFolder: string;
  readonly commit: string;
  /** What it takes of the engine's disk, nearly. */
  readonly bytes: number;
  /** ISO 8601. */
  readonly lastUsed: string;
  /** A container of this process has it mounted; the engine keeps it for those of others. */
  readonly isInUse: boolean;
}

/** The checkouts a home keeps, for whoever cleans up. */
export interface KeptCheckouts {
  owned(): Promise<readonly OwnedCheckout[]>;
  /** Removes one that is not in use. Returns the bytes that are free again; 0 where it is in use or not there. */
  remove(id: string): Promise<number>;
  /** Resolves when none is being prepared. */
  settled(): Promise<void>;
  /**
   * Why workspaces are made in memory however large their repository is; null: they can be mounted, which was tried. Errors: those of
   * the engine and of the image.
   */
  reasonForMemory(): Promise<Result<string | null>>;
}

/** What came back: the worker's own report, and the bundle as the host stored and measured it. */
export interface WorkerOutcome {
  readonly report: WorkReport;
  readonly bundle: { readonly sha256: string; readonly bytes: number } | null;
}

/**
 * Runs jobs in sealed containers: create, compare what was created with what was asked, attach, start, check the runtime's
 * self-report, give the order, take bundle and report, destroy. The container is gone when the promise resolves.
 * Errors: those of the engine, `AC_WORKER_CONFINEMENT` (limits or capabilities differ), `AC_WORKER_SILENT` (hung), `AC_WORKER_MEMORY`,
 * `AC_WORKER_GARBAGE` (rubbish on stdout), `AC_WORKER_EXITED` (ended without a report), `AC_WORKER_DEADLINE`, `AC_WORKER_LOST` (the engine dropped it),
 * `AC_WORKER_CANCELLED`, `AC_RESULT_STORE` (disk of the host), `AC_IMAGE_REFUSED`, `AC_IMAGE_UNAVAILABLE`,
 * `AC_IMAGE_UNFIT`, `AC_AGENT_ABSENT`.
 */
export interface WorkerRunner {
  run(job: WorkerJob): Promise<Result<WorkerOutcome>>;
  /**
   * The id of the image that a job is to be run in, present and fit: what is to be kept on record. May take long where the repository's
   * own is built. Errors: `AC_IMAGE_UNAVAILABLE`, `AC_IMAGE_REFUSED`, `AC_IMAGE_UNFIT`, `AC_AGENT_ABSENT`, `AC_DEVCONTAINER_…`,
   * those of the engine.
   */
  pinImage(request: ImageRequest): Promise<Result<string>>;
  /** Null or absent: workspaces are made in memory. */
  readonly checkouts?: KeptCheckouts | null;
  /**
   * Removes containers of this instance that no job of this runner is in and whose attempt `isLive` does not know, those without an attempt whose host process is gone, and
   * volumes that were left half made. Returns how many containers went.
   */
  sweep(isLive: (attempt: string) => boolean): Promise<Result<number>>;
  close(): Promise<void>;
}
