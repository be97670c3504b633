import type { AgentBus, Delivery } from '@agentcompany/agent-bus';
import type { Log } from './log.ts';

export interface LeaseOptions {
  readonly bus: AgentBus;
  /** Milliseconds a delivery stays ours without a sign of life. */
  readonly leaseMs: number;
  readonly log: Log;
}

/** A lease as those see it who work under it. */
export interface HeldLease {
  readonly lost: AbortSignal;
  /** The delivery has its end: there is nothing to prolong any more. */
  settle(): void;
}

/**
 * Prolongs the lease while `work` runs; each third of it leaves room for one that fails. `lost` aborts once the delivery belongs to
 * somebody else, or may: when the last deadline told, which is a fifth early, passes by our own clock (DESIGN §4). A lease that was
 * lost is not taken up again.
 */
export async function keepingLease<Value>(
  { bus, leaseMs, log }: LeaseOptions,
  delivery: Delivery,
  work: (lease: HeldLease) => Promise<Value>,
): Promise<Value> {
  const lost = new AbortController();
  const lose = (error: unknown): void => {
    if (isSettled || lost.signal.aborted) return;
    log('lease-lost', { queue: delivery.queue, envelope: delivery.envelope.id, error });
    lost.abort();
  };
  const deadlineAt = (until: number): NodeJS.Timeout =>
    setTimeout(() => lose('no answer in time'), Math.max(0, until - performance.now()));
  let deadline = deadlineAt(delivery.leaseUntil);
  let isAsking = false;
  let isSettled = false;
  const ask = async (): Promise<void> => {
    if (isAsking) return;
    isAsking = true;
    const extended = await bus.extend(delivery, leaseMs);
    isAsking = false;
    if (!extended.ok) {
      if (extended.error.retry === 'never') lose(extended.error);
      return;
    }
    clearTimeout(deadline);
    // An answer that comes too late sets no deadline any more.
    if (!isSettled) deadline = deadlineAt(extended.value.leaseUntil);
  };
  const timer = setInterval(() => void ask(), leaseMs / 3);
  const settle = (): void => {
    isSettled = true;
    clearInterval(timer);
    clearTimeout(deadline);
  };
  lost.signal.addEventListener('abort', settle);
  try {
    return await work({ lost: lost.signal, settle });
  } finally {
    settle();
  }
}
