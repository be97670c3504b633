import { parsePayload, type Envelope } from '@agentcompany/protocol';
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
  readonly #jobs = new Map<string, LiveJob>();
  readonly #failures = new Map<string, number>();
  readonly #beside = new Set<Promise<void>>();
  readonly #last = new AbortController();

  constructor(parts: Pick<HostParts, 'bus'>, stop: AbortSignal) {
    this.#parts = parts;
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
      for (const taskId of cancelledBy(envelope)) this.#abort(stream, taskId);
    }
  }

  #abort(runId: string, taskId: string | null): void {
    for (const job of this.#jobs.values()) {
      if (job.runId === runId && (taskId === null || job.taskId === taskId)) job.controller.abort();
    }
  }
}

/** Tasks whose work nobody wants any more since this entry of the ledger. */
function cancelledBy({ envelope_type: type, payload, context }: Envelope): readonly string[] {
  if (type === 'task_state') {
    const state = parsePayload('task_state', payload);
    return state.ok && state.value.to === 'cancelling' && context.task_id !== undefined ? [context.task_id] : [];
  }
  if (type !== 'plan_revision') return [];
  const revision = parsePayload('plan_revision', payload);
  if (!revision.ok) return [];
  return [...revision.value.supersede.map(({ task_id }) => task_id), ...(revision.value.remove ?? [])];
}
