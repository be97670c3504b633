import type { AgentBus } from '@agentcompany/agent-bus';
import type { Result } from '@agentcompany/protocol';
import type { Run } from '../company/records.ts';
import type { CompanyHome } from '../company-home.ts';
import type { WorkerRunner } from '../containers/worker-runner.ts';
import type { OpenedServices, OpenedWayOut } from '../door/attempt-services.ts';
import type { Attempt } from './attempt.ts';
import type { Log } from './log.ts';
import type { RunFolds } from './run-folds.ts';
import type { Turns } from './turns.ts';

/** Where a worker host keeps what comes out of its containers. */
export type HostFolders = Pick<CompanyHome, 'bundlesFolder' | 'runsFolder'>;

/** The run that work belongs to, as far as its repository goes. */
export interface WorkOrigin {
  readonly runId: string;
  readonly projectId: string;
}

/** A result as the host stored it. */
export interface ResultBundle {
  readonly attemptId: string;
  readonly file: string;
  readonly sha256: string;
  readonly bytes: number;
}

/** What a container wrote to standard error, as the host stored it. */
export interface WorkerLog {
  readonly runId: string;
  readonly attemptId: string;
  readonly file: string;
}

/**
 * The two ways between a worker host and the engine home that do not lead over the bus: commits to work on, and results.
 * On the engine's own machine both are a folder; elsewhere they are HTTP (docs/adr/0012-many-machines.md), and an engine home that is
 * away is waited for until `signal` aborts.
 */
export interface HostRepositories {
  /** The tip of the run branch and a mirror on this machine that holds it. */
  baseOf(
    work: WorkOrigin,
    signal: AbortSignal,
  ): Promise<Result<{ readonly oid: string; readonly mirrorFolder: string }>>;
  /** A mirror on this machine that holds `oid`, a commit of the run branch. */
  mirrorWith(work: WorkOrigin, oid: string, signal: AbortSignal): Promise<Result<string>>;
  /** Brings a result to where the engine ingests it; durable when it returns. May be repeated. */
  deliver(bundle: ResultBundle, signal: AbortSignal): Promise<Result<undefined>>;
  /** Brings the log of a container that is gone to where `agentcompany logs` reads it. No work waits for it. */
  deliverLog(log: WorkerLog, signal: AbortSignal): Promise<Result<undefined>>;
}

/** All that a worker host stands on, beside an engine or on a machine of its own. It folds runs to look, and decides nothing. */
export interface HostParts {
  readonly folders: HostFolders;
  /** The owner written on every container: the uuid of the home this host keeps (S17). */
  readonly instance: string;
  readonly hostId: string;
  readonly bus: AgentBus;
  readonly folds: RunFolds;
  readonly runner: WorkerRunner;
  readonly repositories: HostRepositories;
  /** What the door of an attempt offers besides its order. Errors: those of the configuration of models. */
  readonly openServices: (work: { readonly run: Run; readonly attempt: Attempt }) => Promise<Result<OpenedServices>>;
  /** The way out of one container, where the run has one; `close` when the container is gone. */
  readonly openEgress: (work: {
    readonly run: Run;
    readonly taskId: string | null;
    readonly attemptId: string;
  }) => Promise<OpenedWayOut>;
  /** Absent: whoever comes first. */
  readonly turns?: Turns;
  readonly maximumWorkers: number;
  readonly leaseMs: number;
  /** What went wrong. */
  readonly log: Log;
  /** What goes on, for a person who watches. */
  readonly tell: Log;
}
