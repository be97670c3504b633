import type { AgentBus, Delivery } from '@agentcompany/agent-bus';
import type { AppError, Envelope, Result } from '@agentcompany/protocol';
import { companyStream, success } from '@agentcompany/protocol';
import type { Draft } from '../company/decide/draft.ts';
import { decide, decideOnTrigger } from '../company/decide/decide.ts';
import type { ShowsProgress } from '../company/decide/quiet.ts';
import type { Run } from '../company/records.ts';
import { runEnds } from '../company/states.ts';
import { engineErrors } from './errors.ts';
import type { Log } from './log.ts';
import { mint } from './mint.ts';
import { whileAway } from './persistently.ts';
import type { RunFolds } from './run-folds.ts';

export interface DeciderOptions {
  readonly bus: AgentBus;
  readonly folds: RunFolds;
  readonly leaseMs: number;
  readonly signal: AbortSignal;
  readonly log: Log;
  /** Whether an attempt has told of progress within so many seconds; absent: nothing is known of any. */
  readonly showsProgress?: ShowsProgress;
  /** Called after each decision with the run as it now is. */
  readonly onDecided: (run: Run) => void;
}

/**
 * The engine's heart: takes an envelope addressed to it, folds the run, decides, and ends the delivery together with all that
 * follows, only if the stream still stands where the decision was made (DESIGN §1.3). Ends when `signal` aborts.
 */
export async function decideForever(options: DeciderOptions): Promise<Result<undefined>> {
  const { bus, leaseMs, log, signal } = options;
  const onAway = (error: AppError): void => log('bus-away', { queue: 'engine', error });
  while (!signal.aborted) {
    const take = () => bus.receive('engine', { max: 16, waitMs: 60_000, leaseMs, signal });
    const received = await whileAway(signal, take, onAway);
    if (!received.ok) return received;
    for (const delivery of received.value) {
      const decided = await whileAway(signal, () => handle(options, delivery), onAway);
      if (!decided.ok) return decided;
    }
  }
  return drain(options);
}

/** What already waits is decided before the engine stops: nothing that is settled stays in its queue. */
async function drain(options: DeciderOptions): Promise<Result<undefined>> {
  for (;;) {
    const received = await options.bus.receive('engine', { max: 16, waitMs: 0, leaseMs: options.leaseMs });
    if (!received.ok) return received;
    if (received.value.length === 0) return success();
    for (const delivery of received.value) {
      const decided = await handle(options, delivery);
      if (!decided.ok) return decided;
    }
  }
}

async function handle(options: DeciderOptions, delivery: Delivery): Promise<Result<unknown>> {
  const { bus, folds } = options;
  const { envelope, stream } = delivery;
  for (;;) {
    const refreshed = await folds.refresh(stream);
    if (!refreshed.ok) return refreshed;
    const run = refreshed.value;
    // What the bus found damaged is listed among the dead letters; no run waits for a decision about it.
    if (stream === companyStream && envelope.envelope_type === 'dead_letter') return bus.complete(delivery, []);
    if (run === null) return bus.reject(delivery, engineErrors.AC_STREAM_UNKNOWN({ id: envelope.id, run: stream }), []);
    const version = run.version;
    const decision = decideOnce(run, envelope, options.showsProgress);
    const items = await mint(decision.drafts, {
      sender: 'engine',
      runId: run.id,
      cause: envelope.id,
      inReplyTo: envelope.id,
    });
    const completed = await bus.complete(delivery, items, { expect: { stream, version } });
    if (completed.ok) return settle(options, run.id);
    decision.undo();
    if (completed.error.code === 'AC_BUS_CONFLICT') continue;
    // The delivery went to somebody else, or its answer stands already: whoever holds it decides.
    return completed.error.code === 'AC_BUS_STALE_LEASE' ? success() : completed;
  }
}

/** Decides until nothing follows any more: also what a start does first for every open run. */
export async function settle(options: DeciderOptions, runId: string): Promise<Result<undefined>> {
  const { bus, folds } = options;
  for (;;) {
    const refreshed = await folds.refresh(runId);
    if (!refreshed.ok) return refreshed;
    const run = refreshed.value;
    if (run === null) return success();
    const version = run.version;
    const decision = decideOnce(run, null);
    if (decision.drafts.length === 0) {
      options.onDecided(run);
      if (runEnds.has(run.state)) folds.forget(runId);
      return success();
    }
    const cause = `run ${run.id} at ${version}`;
    const items = await mint(decision.drafts, { sender: 'engine', runId, cause, inReplyTo: null });
    const sent = await bus.send(items, { expect: { stream: runId, version } });
    if (sent.ok) continue;
    decision.undo();
    if (sent.error.code !== 'AC_BUS_CONFLICT') return sent;
  }
}

interface Decision {
  readonly drafts: readonly Draft[];
  /** Puts back what the decision took off the agenda: the step was refused. */
  readonly undo: () => void;
}

/** Decides, and takes the agenda in the same turn: what others fold meanwhile is kept for the next decision. */
function decideOnce(run: Run, trigger: Envelope | null, showsProgress?: ShowsProgress): Decision {
  const triggered = trigger === null ? [] : decideOnTrigger(run, trigger, showsProgress);
  if (triggered.length > 0) return { drafts: triggered, undo: () => undefined };
  const drafts = decide(run);
  const agenda = [...run.agenda];
  run.agenda.clear();
  return { drafts, undo: () => agenda.forEach((id) => run.agenda.add(id)) };
}
