import { parsePayload, type Envelope } from '@agentcompany/protocol';
import { isOpen } from '../../company/approvals.ts';
import { dependencyStatus } from '../../company/decide/dependencies.ts';
import type { Run, TaskRecord } from '../../company/records.ts';
import type { HeldStep, Turns } from '../../engine/turns.ts';
import type { ActsAgain } from './acts-again.ts';
import { stepMark } from './recorded-marks.ts';

/** Something whose place in the order decides what comes out: a base that was taken, or a result that was joined or conflicted. */
export type Turn =
  | { readonly kind: 'start'; readonly taskId: string; readonly round: number }
  | { readonly kind: 'merge'; readonly taskId: string };

/** Milliseconds for which nothing moves until the order is given up: the run has left the course of the first time. */
const patienceMs = 3000;
/** The same where a worker that has to wait for a person may be in the way of one that could go on. */
const crowdedPatienceMs = 30_000;

/** What a run's turns need to know of the people in it. */
export type HeldByPeople = Pick<ActsAgain, 'holds' | 'holdsAnswerOf' | 'giveUp'>;

const nobody: HeldByPeople = { holds: () => false, holdsAnswerOf: () => false, giveUp: async () => undefined };

/** The turns of a run in their order, from the entries of its ledger. Of attempts that were lost and begun anew the last counts. */
export function readTurns(entries: readonly Envelope[]): readonly Turn[] {
  const turns = new Map<string, Turn>();
  for (const envelope of entries) {
    const turn = turnOf(envelope);
    if (turn === null) continue;
    const key = JSON.stringify(turn);
    if (turn.kind === 'start') turns.delete(key);
    if (!turns.has(key)) turns.set(key, turn);
  }
  return [...turns.values()];
}

function turnOf({ envelope_type: type, payload, context }: Envelope): Turn | null {
  const taskId = context.task_id ?? '';
  if (type === 'merge_complete') return { kind: 'merge', taskId };
  if (type !== 'attempt_started') return null;
  const started = parsePayload('attempt_started', payload);
  return started.ok ? { kind: 'start', taskId, round: started.value.round } : null;
}

/**
 * Holds work back until all that came before it the first time has come. Where nothing can move because of that, the run has left its
 * course: the order is given up for good, and the comparison shows what became different.
 */
export class RecordedTurns implements Turns {
  readonly #turns: readonly Turn[];
  readonly #people: HeldByPeople;
  readonly #now: () => number;
  #isGivenUp = false;
  #stuck: { readonly since: number; readonly version: number } | null = null;

  /** `now`: a clock that is never set, in milliseconds. */
  constructor(turns: readonly Turn[], people: HeldByPeople = nobody, now: () => number = () => performance.now()) {
    this.#turns = turns;
    this.#people = people;
    this.#now = now;
  }

  /** Whether the order could not be kept to the end. */
  get isGivenUp(): boolean {
    return this.#isGivenUp;
  }

  mayStart(run: Run, taskId: string, round: number): boolean {
    return this.#may(run, { kind: 'start', taskId, round });
  }

  mayMerge(run: Run, taskId: string): boolean {
    return this.#may(run, { kind: 'merge', taskId });
  }

  mayGoOn(run: Run, step: HeldStep, taskId: string): boolean {
    if (this.#isGivenUp || !this.#isHeld(run, step, taskId)) return true;
    this.look(run);
    return this.#isGivenUp;
  }

  #may(run: Run, turn: Turn): boolean {
    const isHeld = (): boolean =>
      this.#isHeld(run, turn.kind, turn.taskId, turn.kind === 'start' ? turn.round : undefined);
    if (this.#isGivenUp || (this.#isNext(run, turn) && !isHeld())) return true;
    this.look(run);
    return this.#isGivenUp;
  }

  /** Whether a person acted before this step the first time, and has not yet. */
  #isHeld(
    run: Run,
    step: HeldStep | Turn['kind'],
    taskId: string,
    round = run.tasks.get(taskId)?.rounds ?? 0,
  ): boolean {
    return this.#people.holds(stepMark(step, taskId, round).key);
  }

  /** Only merges move the tip: bases that were taken between two of them may be taken in any order. What never was has no turn to wait for. */
  #isNext(run: Run, turn: Turn): boolean {
    const index = this.#turns.findIndex((other) => isSame(other, turn));
    const before = this.#turns.slice(0, Math.max(0, index));
    return before.every((other) => (turn.kind === 'start' && other.kind === 'start') || hasCome(run, other));
  }

  /** Whether somebody at work waits for a person. */
  isHolding(run: Run): boolean {
    return [...run.tasks.values()].some((task) => this.#waitsForPeople(run, task));
  }

  /** Gives the order up where nothing has moved for too long. */
  look(run: Run): void {
    const tasks = [...run.tasks.values()];
    const isCrowded = this.isHolding(run);
    const isMoving = tasks.some((task) => this.#isMoving(run, task, isCrowded));
    const now = this.#now();
    if (isMoving) this.#stuck = null;
    else if (this.#stuck?.version !== run.version) this.#stuck = { since: now, version: run.version };
    if (this.#stuck === null || now - this.#stuck.since < (isCrowded ? crowdedPatienceMs : patienceMs)) return;
    this.#isGivenUp = true;
    void this.#people.giveUp();
  }

  /** Whether the task is at work, and cannot go on before a person has acted. */
  #waitsForPeople(run: Run, { state, spec: { id } }: TaskRecord): boolean {
    if (state === 'in_review') return this.#isHeld(run, 'review', id);
    return state === 'running' && (this.#people.holdsAnswerOf(id) || this.#isHeld(run, 'finish', id));
  }

  /** Whether the task will go on by itself. */
  #isMoving(run: Run, task: TaskRecord, isCrowded: boolean): boolean {
    switch (task.state) {
      case 'running':
      case 'in_review':
        return !this.#waitsForPeople(run, task);
      case 'ready':
      case 'quality_check':
      case 'approved':
      case 'cancelling':
        return true;
      case 'pending':
        return dependencyStatus(run, task) !== 'waiting';
      case 'assigned':
        return !isCrowded && this.#isNext(run, { kind: 'start', taskId: task.spec.id, round: task.rounds });
      case 'merging':
        return task.conflicts !== null || this.#isNext(run, { kind: 'merge', taskId: task.spec.id });
      case 'awaiting_person': {
        const approval = run.approvals.get(task.approvalId ?? '');
        return approval !== undefined && isOpen(approval);
      }
      default:
        return false;
    }
  }
}

function isSame(one: Turn, other: Turn): boolean {
  if (one.taskId !== other.taskId) return false;
  return one.kind === 'start' ? other.kind === 'start' && one.round === other.round : other.kind === 'merge';
}

function hasCome(run: Run, turn: Turn): boolean {
  const task = run.tasks.get(turn.taskId);
  if (task === undefined) return false;
  if (turn.kind === 'merge') return task.state === 'merged' || task.conflicts !== null || task.supersededBy !== null;
  return task.rounds > turn.round || (task.rounds === turn.round && task.attemptId !== null);
}
