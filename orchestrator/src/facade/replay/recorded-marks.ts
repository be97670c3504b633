import type { Envelope } from '@agentcompany/protocol';

/** What of a task's course may have to wait for its turn. */
export type Step = 'start' | 'finish' | 'review' | 'triage' | 'merge';

/** An entry of a ledger that moves a run, under a name that it has in every course that goes the same way. */
export interface Mark {
  readonly key: string;
  /** Null: it is about the run as a whole. */
  readonly taskId: string | null;
}

/** The mark that a step of a task's round leaves. */
export function stepMark(step: Step, taskId: string, round: number): Mark {
  return { key: `${step} ${taskId} ${round}`, taskId };
}

const steps: Readonly<Partial<Record<Envelope['envelope_type'], Step>>> = {
  attempt_started: 'start',
  task_complete: 'finish',
  task_failed: 'finish',
  review_response: 'review',
  triage_response: 'triage',
  merge_complete: 'merge',
};

/** Names the entries of one ledger, in their order. */
export class Marks {
  readonly #rounds = new Map<string, number>();
  readonly #counts = new Map<string, number>();

  /** Null: the entry moves nothing that a person's act could depend on. */
  note({ envelope_type: type, payload, context }: Envelope): Mark | null {
    const { task_id: taskId = null } = context;
    const step = steps[type];
    const attempt = String(payload['attempt_id']);
    if (type === 'attempt_started') this.#rounds.set(attempt, Number(payload['round']));
    if (step !== undefined) {
      const round = this.#rounds.get(attempt);
      return taskId === null || round === undefined ? null : stepMark(step, taskId, round);
    }
    if (type === 'task_plan') return { key: type, taskId: null };
    if (type === 'plan_revision') return { key: `${type} ${String(payload['revision'])}`, taskId: null };
    if (type === 'approval_request') return this.#count(`${type} ${String(payload['subject'])}`, taskId);
    const isChange = type === 'run_state' || (type === 'task_state' && payload['to'] === 'awaiting_person');
    return isChange ? this.#count(`${type} ${String(payload['to'])}`, taskId) : null;
  }

  /** What may come several times has a number. */
  #count(name: string, taskId: string | null): Mark {
    const key = `${name} ${taskId ?? ''}`;
    const count = (this.#counts.get(key) ?? 0) + 1;
    this.#counts.set(key, count);
    return { key: `${key} ${count}`, taskId };
  }
}
