import { parsePayload, type Envelope } from '@agentcompany/protocol';
import { message } from '../company/decide/draft.ts';
import type { AttemptActivity } from './attempt-activity.ts';
import type { HostHealth } from './host-health.ts';
import type { HostParts } from './host-parts.ts';
import { mint } from './mint.ts';
import { persistently } from './persistently.ts';

interface LiveJob {
  readonly runId: string;
  readonly taskId: string | null;
  readonly controller: AbortController;
  /** Null: nobody asks how it stands. */
  readonly activity: AttemptActivity | null;
}

/** Seconds a worker is allowed that waits for this host. */
const waitingSeconds = 60;

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
    activity: AttemptActivity | null = null,
  ): { readonly signal: AbortSignal; readonly close: () => void } {
    const controller = new AbortController();
    this.#jobs.set(owner, { runId, taskId, controller, activity });
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
      if (envelope.envelope_type === 'status_request') await this.#answer(stream, envelope);
      // The engine has given an attempt up that stood still; what a host itself says of one, it knows.
      const isGivenUp = envelope.envelope_type === 'task_failed' && envelope.sender === 'engine';
      if (isGivenUp) this.#jobs.get(envelope.context.attempt_id ?? '')?.controller.abort();
    }
  }

  /** Says how a job of this host stands; of others their hosts say. An answer that does not get through is one that was not given. */
  async #answer(runId: string, envelope: Envelope): Promise<void> {
    const request = parsePayload('status_request', envelope.payload);
    const job = request.ok ? this.#jobs.get(request.value.attempt_id) : undefined;
    if (!request.ok || job?.activity === null || job === undefined || job.runId !== runId || job.taskId === null)
      return;
    const { attempt_id: attemptId, number } = request.value;
    const status = { attempt_id: attemptId, number, ...job.activity.status(waitingSeconds) };
    const draft = message('status_response', 'engine', status, { taskId: job.taskId, attemptId });
    const items = await mint([draft], { sender: 'workers', runId, cause: envelope.id, inReplyTo: envelope.id });
    await persistently(this.#stop, () => this.#parts.bus.send(items));
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
