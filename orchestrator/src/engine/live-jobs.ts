import { parsePayload } from '@agentcompany/protocol';
import type { HostHealth } from './host-health.ts';
import type { HostParts } from './host-parts.ts';
import { persistently } from './persistently.ts';

interface LiveJob {
  readonly runId: string;
  readonly taskId: string | null;
  readonly controller: AbortController;
}

/** Milliseconds a host that ends gives to what it still has to bring home. */
const lastMs = 5000;

/** The work now in containers of this host, so that a cancelled task's container goes at once. */
export class LiveJobs {
  readonly #parts: Pick<HostParts, 'bus'>;
  readonly #stop: AbortSignal;
  /** Whether this host, and each image, may be given work (C15). */
  readonly health: HostHealth;
  readonly #jobs = new Map<string, LiveJob>();
  readonly #failures = new Map<string, number>();
  readonly #beside = new Set<Promise<void>>();
  readonly #last = new AbortController();

  constructor(parts: Pick<HostParts, 'bus'>, stop: AbortSignal, health: HostHealth) {
    this.#parts = parts;
    this.health = health;
    this.#stop = stop;
  }

  /** Registers a job; its signal aborts when the task is cancelled or the host stops. */
  open(
    owner: string,
    runId: string,
    taskId: string | null,
  ): { readonly signal: AbortSignal; readonly close: () => void } {
    const controller = new AbortController();
    this.#jobs.set(owner, { runId, taskId, controller });
    return { signal: AbortSignal.any([controller.signal, this.#stop]), close: () => this.#jobs.delete(owner) };
  }

  /** True while this host itself is stopping, as opposed to a job being cancelled. */
  get stopping(): boolean {
    return this.#stop.aborted;
  }

  /** Aborts when this host itself stops. */
  get stop(): AbortSignal {
    return this.#stop;
  }

  /** Counts failures of one delivery that were not its own fault; returns how many there are. */
  countFailure(envelopeId: string): number {
    const count = (this.#failures.get(envelopeId) ?? 0) + 1;
    this.#failures.set(envelopeId, count);
    return count;
  }

  /** Work that holds no slot, which must not fail. Its signal aborts some time after the host has nothing else to do. */
  beside(work: (signal: AbortSignal) => Promise<void>): void {
    const working = work(this.#last.signal);
    this.#beside.add(working);
    void working.then(() => this.#beside.delete(working));
  }

  async besideEnded(): Promise<void> {
    const timer = setTimeout(() => this.#last.abort(), lastMs);
    await Promise.all(this.#beside);
    clearTimeout(timer);
  }

  /** Follows the ledger and aborts jobs whose run or task is cancelled, until `signal` aborts. */
  async watchForCancellation(signal: AbortSignal): Promise<void> {
    const { bus } = this.#parts;
    const after = await persistently(signal, () => bus.lastPosition());
    if (!after.ok) return;
    for await (const { stream, envelope } of bus.watch({ after: after.value, signal })) {
      if (envelope.envelope_type === 'run_cancel') this.#abort(stream, null);
      if (envelope.envelope_type !== 'task_state') continue;
      const payload = parsePayload('task_state', envelope.payload);
      if (payload.ok && payload.value.to === 'cancelling') this.#abort(stream, envelope.context.task_id ?? null);
    }
  }

  #abort(runId: string, taskId: string | null): void {
    for (const job of this.#jobs.values()) {
      if (job.runId === runId && (taskId === null || job.taskId === taskId)) job.controller.abort();
    }
  }
}
