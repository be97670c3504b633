import type { AgentBus } from '@agentcompany/agent-bus';
import { success, type Result } from '@agentcompany/protocol';
import { fold, openRun } from '../company/fold.ts';
import type { Run } from '../company/records.ts';

const pageSize = 2000;

/** The folded runs of one process: each entry of a stream is read and folded once. */
export class RunFolds {
  readonly #bus: AgentBus;
  readonly #runs = new Map<string, Run>();
  readonly #refreshing = new Map<string, Promise<Result<Run | null>>>();

  constructor(bus: AgentBus) {
    this.#bus = bus;
  }

  /** The run folded up to the end of its stream; null where the stream is none of a run. Callers at the same time share one read. */
  refresh(runId: string): Promise<Result<Run | null>> {
    const before = this.#refreshing.get(runId);
    if (before !== undefined) return before.then(() => this.#start(runId));
    return this.#start(runId);
  }

  #start(runId: string): Promise<Result<Run | null>> {
    const running = this.#refreshing.get(runId);
    if (running !== undefined) return running;
    const reading = this.#read(runId).finally(() => this.#refreshing.delete(runId));
    this.#refreshing.set(runId, reading);
    return reading;
  }

  async #read(runId: string): Promise<Result<Run | null>> {
    // Kept here, not looked up again: the run may be let go of while its stream is being read.
    let run = this.#runs.get(runId) ?? null;
    for (;;) {
      const entries = await this.#bus.readStream(runId, { after: run?.version ?? 0, limit: pageSize });
      if (!entries.ok) return entries;
      for (const { seq, envelope } of entries.value) {
        if (run !== null) {
          fold(run, seq, envelope);
          continue;
        }
        run = openRun(envelope);
        if (run === null) return success(null);
        this.#runs.set(runId, run);
      }
      if (entries.value.length < pageSize) return success(run);
    }
  }

  /** Lets go of a run that has ended. */
  forget(runId: string): void {
    this.#runs.delete(runId);
  }
}
