import {
  isAppError,
  parsePayload,
  unwrap,
  type AppError,
  type Effect,
  type EnvelopeType,
  type Plan,
  type RunSettings,
} from '@agentcompany/protocol';
import { message, record, type Draft } from '../decide/draft.ts';
import { quietTimer } from '../decide/quiet.ts';
import { afterSeconds } from '../decide/time.ts';
import type { AttemptRecord, Run, TaskRecord } from '../records.ts';
import { runEnds } from '../states.ts';
import { errorOf, idOf, submission } from './fixtures.ts';
import { Ledger } from './ledger.ts';
import { OutsideWorld } from './outside-world.ts';
import { kindWorld, type Message, type Try, type World } from './world.ts';

export interface SimulationOptions {
  readonly plan: Plan | null;
  readonly settings?: Partial<RunSettings>;
  readonly world?: Partial<World>;
  /** Which of `count` waiting messages is taken next; the oldest where absent. */
  readonly choose?: (count: number) => number;
}

/** Messages handled before a run that neither ends nor waits is called endless. */
const maximumSteps = 5000;
const day = 86_400_000;

/** What a failed attempt reports of its checks. */
const checks = [
  { command: 'make lint', exit_code: 0, duration_ms: 1, output: 'clean' },
  { command: 'make test', exit_code: 1, duration_ms: 1, output: 'one failed' },
];

/** A whole company without a machine: the real fold and decisions, and a world that answers as it is told. */
export class Simulation {
  readonly ledger: Ledger;
  readonly #world: World;
  readonly #choose: (count: number) => number;
  readonly #outside: OutsideWorld;
  /** Attempts that stay at work until a test ends them. */
  readonly #held = new Map<string, Message>();

  constructor({ plan, settings, world, choose }: SimulationOptions) {
    this.ledger = new Ledger(submission(plan, settings));
    this.#world = { ...kindWorld, ...world };
    this.#choose = choose ?? (() => 0);
    this.#outside = new OutsideWorld(this.ledger, this.#world);
  }

  get run(): Run {
    return this.ledger.run;
  }

  task(id: string): TaskRecord {
    const task = this.run.tasks.get(id);
    if (task === undefined) throw new Error(`no task ${id}: ${[...this.run.tasks.keys()].join(', ')}`);
    return task;
  }

  attempt(id: string): AttemptRecord | undefined {
    return this.run.attempts.get(this.task(id).attemptId ?? '');
  }

  /** Lets the world answer until nothing is on its way, or `until` holds. */
  proceed(until: () => boolean = () => false): this {
    for (let steps = 0; steps < maximumSteps; steps += 1) {
      this.#endCancelled();
      const waiting = this.ledger.messages.filter((candidate) => this.#canBeTaken(candidate));
      if (until() || waiting.length === 0) return this;
      const next = waiting[this.#choose(waiting.length) % waiting.length];
      if (next !== undefined) this.#take(next);
    }
    throw new Error(`the run is still ${this.run.state} after ${maximumSteps} steps`);
  }

  /** A person's word, or any other envelope to the engine. */
  say(
    type: EnvelopeType,
    payload: Readonly<Record<string, unknown>>,
    about: { taskId?: string; attemptId?: string } = {},
  ): this {
    this.ledger.accept([{ ...message('ping', 'engine', {}, about), type, payload }], 'president');
    return this;
  }

  pause(): this {
    return this.say('run_pause', { by: 'president' });
  }

  resume(): this {
    return this.say('run_resume', { by: 'president' });
  }

  cancel(): this {
    return this.say('run_cancel', { by: 'president', reason: 'not wanted' });
  }

  /** Answers the first open approval. */
  answer(decision: 'approve' | 'reject', hash?: string): this {
    const open = [...this.run.approvals.values()].find(({ response, closed }) => response === null && !closed);
    const request = open?.request ?? [...this.run.approvals.values()].at(-1)?.request;
    if (request === undefined) throw new Error('nothing was asked');
    const payload = {
      approval_id: request.approval_id,
      hash: hash ?? request.hash,
      decision,
      comment: 'my word',
      by: 'president',
    };
    return this.say('approval_response', payload);
  }

  /** Lets a week and a day pass: every timer comes due. */
  waitForTimers(): this {
    this.ledger.advance(8 * day);
    for (const timer of this.ledger.timers.splice(0)) this.ledger.deliver(timer);
    return this;
  }

  /** Lets so many seconds pass, and the timers that are due by then come due, in their order. */
  letPass(seconds: number): this {
    this.ledger.advance(seconds * 1000);
    for (;;) {
      const due = this.ledger.timers.filter(({ notBefore }) => notBefore <= this.ledger.now);
      const [first] = due.toSorted((one, other) => one.notBefore - other.notBefore);
      if (first === undefined) return this;
      this.ledger.timers.splice(this.ledger.timers.indexOf(first), 1);
      this.ledger.deliver(first);
    }
  }

  /** Ends an attempt that was held. */
  finish(taskId: string, work: 'done' | 'lost' | AppError): this {
    const held = this.#held.get(taskId);
    if (held === undefined) throw new Error(`nothing holds ${taskId}`);
    this.#held.delete(taskId);
    this.#end(held, work);
    return this;
  }

  #canBeTaken({ queue }: Message): boolean {
    return !(queue === 'workers' && this.run.state === 'paused');
  }

  #take(next: Message): void {
    const { messages } = this.ledger;
    messages.splice(messages.indexOf(next), 1);
    next.epoch += 1;
    const isOver = runEnds.has(this.run.state) || this.run.state === 'cancelling';
    if (next.queue === 'workers' && (isOver || this.#isTakenBack(next))) return this.#letGo(next);
    if (next.envelope.envelope_type === 'task_assign') return this.#work(next);
    this.#outside.answer(next);
  }

  /** A change of the plan took the task back while a host that is gone was at work on it. */
  #isTakenBack({ envelope }: Message): boolean {
    return this.run.tasks.get(envelope.context.task_id ?? '')?.state === 'cancelling';
  }

  /** A host that takes up work that was cancelled: whoever had it before is gone. */
  #letGo({ envelope }: Message): void {
    const task = this.run.tasks.get(envelope.context.task_id ?? '');
    const attempt = this.run.attempts.get(task?.attemptId ?? '');
    if (task?.state !== 'cancelling' || attempt === undefined || task.assignmentId !== envelope.id) return;
    const lost = { attempt_id: attempt.id, epoch: attempt.epoch, error: errorOf('AC_HOST_DIED') };
    this.ledger.accept(
      [message('attempt_lost', 'engine', lost, { taskId: task.spec.id, attemptId: attempt.id })],
      'workers',
    );
  }

  #work(assignment: Message): void {
    const { envelope } = assignment;
    const task = this.task(envelope.context.task_id ?? '');
    if (task.assignmentId !== envelope.id || (task.state !== 'assigned' && task.state !== 'running')) return;
    const tried = this.#begin(assignment, task);
    const work = this.#world.work(tried);
    if (work === 'hold') this.#held.set(tried.taskId, assignment);
    else if (work === 'dead') this.#outside.bury(assignment);
    // Its host died: nothing is said of it until the lease has lapsed and another one takes it up.
    else if (work === 'lost') this.ledger.messages.push(assignment);
    else this.#end(assignment, work);
  }

  /** Puts the attempt on record as a worker host does, an earlier one of a host that died as lost. */
  #begin({ envelope, epoch }: Message, task: TaskRecord): Try {
    const { round } = unwrap(parsePayload('task_assign', envelope.payload));
    const about = { taskId: task.spec.id, attemptId: idOf(this.ledger.stream.length * 1000 + epoch) };
    const key = `attempt/${about.attemptId}/container`;
    const previous = task.state === 'running' ? this.attempt(task.spec.id) : undefined;
    const drafts: Draft[] = [];
    if (previous !== undefined) {
      const lost = { attempt_id: previous.id, epoch: previous.epoch, error: errorOf('AC_HOST_DIED') };
      drafts.push(record('attempt_lost', lost, { taskId: task.spec.id, attemptId: previous.id }));
    }
    const { quiet_seconds: seconds } = this.run.settings;
    if (seconds > 0) {
      const attempt = { id: about.attemptId, taskId: about.taskId };
      drafts.push(quietTimer(attempt, afterSeconds(this.run.updatedAt, seconds)));
    }
    const started = {
      attempt_id: about.attemptId,
      round,
      epoch,
      host_id: 'host',
      slot: 'worker-001',
      base_oid: this.run.tipOid ?? '',
    };
    const container: Effect = { kind: 'container', key, attempt_id: about.attemptId };
    drafts.push(record('attempt_started', started, about), record('effect_request', { effect: container }, about));
    this.ledger.accept(drafts, 'workers', envelope.id);
    const outcome = { kind: 'container' as const, container_id: `container of ${task.spec.id}` };
    this.ledger.accept([record('effect_result', { key, kind: 'container', outcome, error: null }, about)], 'workers');
    return { taskId: task.spec.id, round, epoch, feedback: task.feedback };
  }

  #end(assignment: Message, work: 'done' | 'lost' | AppError): void {
    const taskId = assignment.envelope.context.task_id ?? '';
    const attempt = this.attempt(taskId);
    if (attempt === undefined) throw new Error(`no attempt of ${taskId}`);
    if (work === 'lost') return void this.ledger.messages.push(assignment);
    const identity = { attempt_id: attempt.id, epoch: attempt.epoch };
    const about = { taskId, attemptId: attempt.id };
    const draft = isAppError(work)
      ? message('task_failed', 'engine', { ...identity, error: work, agent: null, verify: checks }, about)
      : message('task_complete', 'engine', { ...identity, result: this.#outside.resultOf(attempt) }, about);
    this.ledger.accept([draft], 'workers', assignment.envelope.id);
  }

  /** A host sees that its task is cancelled and lets go. */
  #endCancelled(): void {
    for (const [taskId, assignment] of this.#held) {
      if (this.task(taskId).state !== 'cancelling') continue;
      this.#held.delete(taskId);
      this.#end(assignment, errorOf('AC_ATTEMPT_CANCELLED'));
    }
  }
}
