import type { AgentBus } from '@agentcompany/agent-bus';
import { persistently } from './persistently.ts';

/** Attempts whose last progress is remembered: beyond it the oldest are forgotten, and merely asked once more. */
const remembered = 10_000;

/**
 * When each attempt last told of progress, by this process's monotonic clock. It only spares workers that move a question: what an
 * engine that starts anew does not know, it asks.
 */
export class ProgressClock {
  readonly #last = new Map<string, number>();

  /** Follows the bus until `signal` aborts. */
  async follow(bus: Pick<AgentBus, 'watch' | 'lastPosition'>, signal: AbortSignal): Promise<void> {
    const after = await persistently(signal, () => bus.lastPosition());
    if (!after.ok) return;
    for await (const { envelope } of bus.watch({ after: after.value, signal })) {
      const attempt = envelope.context.attempt_id;
      if (envelope.envelope_type === 'task_progress' && attempt !== undefined) this.#note(attempt);
    }
  }

  showsProgress(attemptId: string, seconds: number): boolean {
    const last = this.#last.get(attemptId);
    return last !== undefined && performance.now() - last < seconds * 1000;
  }

  #note(attemptId: string): void {
    // The map keeps the order of setting: the first is the oldest.
    this.#last.delete(attemptId);
    this.#last.set(attemptId, performance.now());
    const [oldest] = this.#last.keys();
    if (this.#last.size > remembered && oldest !== undefined) this.#last.delete(oldest);
  }
}
