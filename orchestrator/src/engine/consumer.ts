import type { AgentBus, Delivery } from '@agentcompany/agent-bus';
import type { AppError, Envelope, Result } from '@agentcompany/protocol';
import type { Draft } from '../company/decide/draft.ts';
import type { Run } from '../company/records.ts';
import { engineErrors } from './errors.ts';
import { keepingLease } from './keeping-lease.ts';
import type { Log } from './log.ts';
import { mint } from './mint.ts';
import { whileAway } from './persistently.ts';
import type { RunFolds } from './run-folds.ts';
import { turnRecheckMs } from './turns.ts';

/** How an envelope is being handled. */
export interface Handling {
  /** Aborts when the engine stops, or the delivery belongs to somebody else: the answer would count for nothing. */
  readonly signal: AbortSignal;
  /** A failure that may pass will not be tried again: the envelope becomes a dead letter. */
  readonly isLastTry: boolean;
}

/** What a consumer does with one envelope of a run: what it sends as its answer, durable with the acknowledgement. */
export type Handle = (run: Run, delivery: Delivery, handling: Handling) => Promise<Result<readonly Draft[]>>;

export interface ConsumerOptions {
  readonly bus: AgentBus;
  readonly folds: RunFolds;
  readonly queue: string;
  /** Milliseconds a delivery stays ours without a sign of life. */
  readonly leaseMs: number;
  readonly signal: AbortSignal;
  readonly log: Log;
  readonly handle: Handle;
  /**
   * Envelopes taken and handled side by side, all before the next are taken; 1 where absent. Their answers come on record one after the other,
   * in the order in which they were found.
   */
  readonly atOnce?: number;
  /** Whether it is not this envelope's turn yet: it is given back, and looked at again a little later. */
  readonly isHeld?: (run: Run, envelope: Envelope) => boolean;
}

/** Tries of one envelope that fail with `retry: later` before it becomes a dead letter. */
const maximumTries = 4;

/** Completes a delivery after those that were answered before it. */
type InTurn = <Value>(complete: () => Promise<Value>) => Promise<Value>;

/** Handles the envelopes of one queue until `signal` aborts. */
export async function consume(options: ConsumerOptions): Promise<Result<undefined>> {
  const { bus, leaseMs, log, queue, signal } = options;
  const tries = new Map<string, number>();
  const take = () => bus.receive(queue, { max: options.atOnce ?? 1, waitMs: 60_000, leaseMs, signal });
  const onAway = (error: AppError): void => log('bus-away', { queue, error });
  let last: Promise<unknown> = Promise.resolve();
  const inTurn: InTurn = (complete) => {
    const next = last.then(complete, complete);
    last = next;
    return next;
  };
  while (!signal.aborted) {
    const received = await whileAway(signal, take, onAway);
    if (!received.ok) return signal.aborted ? { ok: true, value: undefined } : received;
    const finish = async (delivery: Delivery): Promise<void> => {
      const finished = await keepingLease(options, delivery, ({ lost }) => {
        const ours = AbortSignal.any([signal, lost]);
        return whileAway(ours, () => answer({ ...options, signal: ours, inTurn }, delivery, tries), onAway);
      });
      if (!finished.ok) log('step-failed', { queue, error: finished.error });
    };
    await Promise.all(received.value.map(finish));
  }
  return { ok: true, value: undefined };
}

async function answer(
  options: ConsumerOptions & { readonly inTurn: InTurn },
  delivery: Delivery,
  tries: Map<string, number>,
): Promise<Result<unknown>> {
  const { bus, folds, handle, inTurn, queue, signal } = options;
  const { envelope } = delivery;
  const run = await folds.refresh(delivery.stream);
  if (!run.ok) return run;
  if (run.value === null) {
    return bus.reject(delivery, engineErrors.AC_STREAM_UNKNOWN({ id: envelope.id, run: delivery.stream }), []);
  }
  if (options.isHeld?.(run.value, envelope) === true)
    return bus.release(delivery, { notBefore: Date.now() + turnRecheckMs });
  const isLastTry = (tries.get(envelope.id) ?? 0) + 1 >= maximumTries;
  const answered = await handle(run.value, delivery, { signal, isLastTry });
  if (!answered.ok) return giveBack(options, delivery, answered.error, tries);
  tries.delete(envelope.id);
  const reply = { sender: queue, runId: run.value.id, cause: envelope.id, inReplyTo: envelope.id };
  const completed = await inTurn(async () => bus.complete(delivery, await mint(answered.value, reply)));
  // It would be too large each time: told at once, not after every delivery is spent.
  return completed.ok || completed.error.code !== 'AC_BUS_PAYLOAD_TOO_LARGE'
    ? completed
    : bus.reject(delivery, completed.error, []);
}

/** A failure that may pass is tried again after 1, 2 and 4 seconds; any other ends as a dead letter, which the engine answers. */
async function giveBack(
  { bus, log, signal }: ConsumerOptions,
  delivery: Delivery,
  error: AppError,
  tries: Map<string, number>,
): Promise<Result<unknown>> {
  if (signal.aborted) return bus.release(delivery);
  const count = (tries.get(delivery.envelope.id) ?? 0) + 1;
  tries.set(delivery.envelope.id, count);
  log('handling-failed', { queue: delivery.queue, try: count, error });
  if (error.retry === 'never' || count >= maximumTries) {
    tries.delete(delivery.envelope.id);
    return bus.reject(delivery, error, []);
  }
  return bus.release(delivery, { notBefore: Date.now() + 1000 * 2 ** (count - 1) });
}
