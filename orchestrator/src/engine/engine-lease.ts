import type { AgentBus } from '@agentcompany/agent-bus';
import { failure, type AppError, type Result } from '@agentcompany/protocol';

/**
 * Works while this process holds the bus's lease `engine` (DESIGN §1.8), prolonged each third of `leaseMs`. Where another engine
 * took it over, the work's signal aborts, for deciding on would be two engines at once, and that is the result.
 */
export async function holdingEngineLease(
  bus: AgentBus,
  leaseMs: number,
  work: (lost: AbortSignal) => Promise<Result<undefined>>,
): Promise<Result<undefined>> {
  const lease = await bus.acquireLease('engine', `process ${process.pid}`, leaseMs);
  if (!lease.ok) return lease;
  const { token } = lease.value;
  const stop = new AbortController();
  let lost: AppError | null = null;
  const timer = setInterval(() => {
    void bus.extendLease('engine', token, leaseMs).then((extended) => {
      // A store that is busy or full for a while takes the next one: nobody else was given the lease yet.
      if (extended.ok || extended.error.retry !== 'never') return;
      lost ??= extended.error;
      stop.abort();
    });
  }, leaseMs / 3);
  try {
    const worked = await work(stop.signal);
    return worked.ok && lost !== null ? failure(lost) : worked;
  } finally {
    clearInterval(timer);
    await bus.releaseLease('engine', token);
  }
}
