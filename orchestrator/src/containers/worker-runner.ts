import type { AttemptServices } from '../door/attempt-services.ts';
import type { ProgressRequest, Result, WorkOrder, WorkReport } from '@agentcompany/protocol';
import type { WorkerLimits, WorkerOwner } from './worker-container.ts';

/** One piece of work for one fresh container. */
export interface WorkerJob {
  readonly owner: WorkerOwner;
  readonly order: WorkOrder;
  readonly mirrorFolder: string;
  /** Image reference a project names, or null for the shipped worker image. */
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
 * `AC_AGENT_ABSENT`.
 */
export interface WorkerRunner {
  run(job: WorkerJob): Promise<Result<WorkerOutcome>>;
  /** Removes containers of this instance whose attempt `isLive` does not know. Returns how many went. */
  sweep(isLive: (attempt: string) => boolean): Promise<Result<number>>;
  close(): Promise<void>;
}
