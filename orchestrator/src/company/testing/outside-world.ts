import {
  isAppError,
  parsePayload,
  unwrap,
  type AppError,
  type Effect,
  type EffectOutcome,
  type PlanRevision,
  type WorkResult,
} from '@agentcompany/protocol';
import { message, type Draft } from '../decide/draft.ts';
import { reviewUnavailable } from '../decide/review.ts';
import { freeId } from '../free-id.ts';
import type { AttemptRecord } from '../records.ts';
import { stageOf } from '../stage.ts';
import { errorOf, task } from './fixtures.ts';
import type { Ledger } from './ledger.ts';
import type { Message, Try, Verdict, World } from './world.ts';

type About = { readonly taskId: string; readonly attemptId: string };
type EffectOf<Kind extends Effect['kind']> = Extract<Effect, { kind: Kind }>;

/** Manager, Reviewer, Merger, git and forge as a simulation plays them: each answers one message as its world says. */
export class OutsideWorld {
  readonly #ledger: Ledger;
  readonly #world: World;
  /** Ids of the tasks that each tip of the run branch holds. */
  readonly #included = new Map<string, readonly string[]>([['base', []]]);
  readonly #asked = new Map<string, number>();
  #tip = 'base';

  constructor(ledger: Ledger, world: World) {
    this.#ledger = ledger;
    this.#world = world;
  }

  answer(taken: Message): void {
    switch (taken.envelope.envelope_type) {
      case 'plan_request':
        return this.#plan(taken);
      case 'review_request':
        return this.#review(taken);
      case 'triage_request':
        return this.#triage(taken);
      case 'merge_request':
        return this.#merge(taken);
      case 'effect_request':
        return this.#perform(taken, unwrap(parsePayload('effect_request', taken.envelope.payload)).effect);
      default:
        throw new Error(`nobody answers ${taken.envelope.envelope_type}`);
    }
  }

  /** The bus gives a message up and says so. */
  bury({ queue, envelope, epoch }: Message): void {
    const error = errorOf('AC_BUS_DELIVERIES_SPENT', 'never');
    const payload = {
      queue,
      envelope_id: envelope.id,
      envelope_type: envelope.envelope_type,
      deliveries: epoch,
      error,
    };
    const { task_id: taskId, attempt_id: attemptId } = envelope.context;
    const about = { ...(taskId === undefined ? {} : { taskId }), ...(attemptId === undefined ? {} : { attemptId }) };
    this.#ledger.accept([message('dead_letter', 'engine', payload, about)], 'bus', envelope.id);
  }

  /** What a worker says it made. */
  resultOf(attempt: AttemptRecord): WorkResult {
    const command = `work on ${attempt.taskId}`;
    return {
      commit: `commit of ${attempt.id}`,
      tree: `tree of ${attempt.id}`,
      bundle: { sha256: 'ab'.repeat(32), bytes: 100 },
      agent: { command, exit_code: 0, duration_ms: 5, output: '' },
      verify: [],
    };
  }

  #nth(what: string): number {
    const nth = (this.#asked.get(what) ?? 0) + 1;
    this.#asked.set(what, nth);
    return nth;
  }

  #reply({ envelope, queue }: Message, draft: Draft): void {
    this.#ledger.accept([draft], queue, envelope.id);
  }

  #tried({ attemptId }: About): Try {
    const attempt = this.#ledger.run.attempts.get(attemptId);
    const task = this.#ledger.run.tasks.get(attempt?.taskId ?? '');
    if (attempt === undefined || task === undefined) throw new Error(`unknown attempt ${attemptId}`);
    return { taskId: attempt.taskId, round: attempt.round, epoch: attempt.epoch, feedback: task.feedback };
  }

  #plan(taken: Message): void {
    const { run } = this.#ledger;
    if (stageOf(run) !== 'planning' || run.plan !== null) return;
    const plan = this.#world.plan(run.submittedPlan);
    if (plan === 'hold') return;
    if (plan === 'dead') return this.bury(taken);
    if (isAppError(plan)) return this.#reply(taken, message('run_failed', 'engine', { error: plan }));
    this.#reply(
      taken,
      message('task_plan', 'engine', { revision: 1, base_oid: 'base', plan, hash: 'hash of the plan' }),
    );
  }

  #review(taken: Message): void {
    const about = aboutOf(taken);
    const tried = this.#tried(about);
    const verdict = this.#world.review(tried, this.#nth(`review of ${tried.taskId}`));
    if (verdict === 'dead') return this.bury(taken);
    const tree = verdict === 'other_tree' ? 'another tree' : `tree of ${about.attemptId}`;
    const rule = verdict === 'unavailable' ? reviewUnavailable : 'taste';
    const finding = { rule, severity: 'error' as const, path: null, line: null, message: 'not yet' };
    const payload = {
      attempt_id: about.attemptId,
      tree,
      verdict: saidOf(verdict),
      findings: verdict === 'approve' ? [] : [finding],
      reviewer: 'simulated',
    };
    this.#reply(taken, message('review_response', 'engine', payload, about));
  }

  #triage(taken: Message): void {
    const about = aboutOf(taken);
    const decided = this.#world.triage(this.#tried(about));
    if (decided === 'hold') return;
    if (decided === 'dead') return this.bury(taken);
    const isChange = decided === 'revise' || decided === 'split' || decided === 'stale';
    const payload = {
      attempt_id: about.attemptId,
      decision: decided === 'stale' ? ('revise' as const) : decided,
      reason: 'my reason',
      advice: 'my advice',
      revision: isChange ? this.#successors(about.taskId, decided) : null,
      manager: 'simulated',
    };
    this.#reply(taken, message('triage_response', 'engine', payload, about));
  }

  /** One new task in the place of another, or two, the second after the first. */
  #successors(id: string, decided: 'revise' | 'split' | 'stale'): PlanRevision {
    const { run } = this.#ledger;
    const first = freeId(run, `${id}-one`);
    const second = freeId(run, `${id}-two`);
    const add = decided === 'split' ? [task(first), task(second, { depends_on: [first] })] : [task(first)];
    return {
      revision: run.revision + (decided === 'stale' ? 2 : 1),
      reason: 'my reason',
      by: 'manager',
      add,
      supersede: [{ task_id: id, by: decided === 'split' ? second : first }],
      feedback: null,
    };
  }

  #merge(taken: Message): void {
    const about = aboutOf(taken);
    const task = this.#ledger.run.tasks.get(about.taskId);
    if (task?.state !== 'merging' || task.attemptId !== about.attemptId) return;
    const merge = this.#world.merge(this.#tried(about));
    if (merge === 'dead') return this.bury(taken);
    const before = this.#tip;
    if (merge === 'merged') this.#moveTip(about.taskId);
    const conflicts = merge === 'merged' ? [] : [...merge.conflicts];
    const outcome = merge === 'merged' ? ('merged' as const) : ('conflict' as const);
    const payload = { attempt_id: about.attemptId, outcome, tip_before: before, tip_after: this.#tip, conflicts };
    this.#reply(taken, message('merge_complete', 'engine', payload, about));
  }

  #moveTip(gained: string): void {
    const included = [...(this.#included.get(this.#tip) ?? []), gained];
    this.#tip = `tip ${this.#included.size}`;
    this.#included.set(this.#tip, included);
  }

  #perform(taken: Message, effect: Effect): void {
    if (this.#ledger.run.effects.get(effect.key)?.done === true) return;
    switch (effect.kind) {
      case 'ingest':
        return this.#ingest(taken, effect);
      case 'verify':
        return this.#verify(taken, effect);
      case 'integrate':
        return this.#integrate(taken, effect);
      case 'push':
        return this.#outside(taken, effect, this.#world.push(this.#nth('push')), {
          kind: 'push',
          oid: effect.oid,
          branch: effect.branch,
        });
      case 'pull_request': {
        const reference = { number: 1, url: 'https://forge.example/1', branch: effect.branch, base: effect.base };
        const answer = this.#world.pullRequest(this.#nth('pull_request'), effect);
        return this.#outside(taken, effect, answer, { kind: 'pull_request', pull_request: reference });
      }
      case 'container':
        throw new Error('a container is the host’s own affair');
    }
  }

  #outside(taken: Message, effect: Effect, answer: 'done' | 'dead' | 'hold' | AppError, outcome: EffectOutcome): void {
    if (answer === 'hold') return;
    if (answer === 'dead') return this.bury(taken);
    this.#result(taken, effect, isAppError(answer) ? answer : outcome);
  }

  #result(taken: Message, effect: Effect, answer: EffectOutcome | AppError): void {
    const [outcome, error] = isAppError(answer) ? [null, answer] : [answer, null];
    const { task_id: taskId, attempt_id: attemptId } = taken.envelope.context;
    const about = { ...(taskId === undefined ? {} : { taskId }), ...(attemptId === undefined ? {} : { attemptId }) };
    this.#reply(
      taken,
      message('effect_result', 'engine', { key: effect.key, kind: effect.kind, outcome, error }, about),
    );
  }

  #ingest(taken: Message, effect: EffectOf<'ingest'>): void {
    const about = aboutOf(taken);
    const answer = this.#world.ingest(this.#tried(about));
    if (answer === 'dead') return this.bury(taken);
    if (isAppError(answer)) return this.#result(taken, effect, answer);
    const ingested = {
      commit: effect.commit,
      tree: `tree of ${effect.attempt_id}`,
      base_oid: effect.base_oid,
      changes: [{ path: `${about.taskId}.txt`, status: 'A' as const, old_mode: '000000', new_mode: '100644' }],
      insertions: 1,
      deletions: 0,
      protected_paths: answer === 'clean' ? [] : [...answer.protectedPaths],
    };
    this.#result(taken, effect, { kind: 'ingest', ingested });
  }

  #verify(taken: Message, effect: EffectOf<'verify'>): void {
    const outcome = this.#world.verify(this.#included.get(effect.oid) ?? [], this.#nth(`verify ${effect.oid}`));
    if (outcome === 'hold') return;
    if (outcome === 'dead') return this.bury(taken);
    const error = outcome === 'unavailable' ? errorOf('AC_IMAGE_MISSING', 'never') : null;
    const reports = effect.commands.map((command) => ({
      command,
      exit_code: outcome === 'green' ? 0 : 1,
      duration_ms: 1,
      output: outcome,
    }));
    this.#reply(taken, message('verify_result', 'engine', { oid: effect.oid, outcome, reports, error }));
  }

  #integrate(taken: Message, effect: EffectOf<'integrate'>): void {
    const answer = this.#world.integrate(this.#nth('integrate'));
    if (answer === 'dead') return this.bury(taken);
    if (isAppError(answer)) return this.#result(taken, effect, answer);
    const before = this.#tip;
    if (answer === 'moved') this.#moveTip('(base)');
    const outcome = answer === 'conflict' ? ('conflict' as const) : ('merged' as const);
    const conflicts = answer === 'conflict' ? ['README.md'] : [];
    const objects = { base_oid: 'new base', tip_before: before, tip_after: this.#tip };
    this.#result(taken, effect, { kind: 'integrate', outcome, ...objects, conflicts });
  }
}

function aboutOf({ envelope }: Message): About {
  return { taskId: envelope.context.task_id ?? '', attemptId: envelope.context.attempt_id ?? '' };
}

function saidOf(verdict: Exclude<Verdict, 'dead'>): 'approve' | 'request_changes' | 'reject' {
  if (verdict === 'other_tree') return 'approve';
  return verdict === 'unavailable' ? 'request_changes' : verdict;
}
