import { parsePayload, type Envelope, type PayloadOf } from '@agentcompany/protocol';
import { foldAttempt } from './fold-attempt.ts';
import { foldBudget, raiseBudget } from './fold-budget.ts';
import { foldEffect } from './fold-effect.ts';
import { withPayload } from './fold-payload.ts';
import { foldPlan } from './fold-plan.ts';
import { foldTask } from './fold-task.ts';
import { foldQuestion } from './questions.ts';
import { closeApproval, openApproval } from './approvals.ts';
import { moveRun } from './moves.ts';
import { stageOf } from './stage.ts';
import type { EffectRecord, Run } from './records.ts';
import { foldWatch } from './watch.ts';
import { runEnds, taskStates, type TaskState } from './states.ts';

/**
 * A run at its first entry, from its `task_submit` (whose id is the run's). Null when the envelope is none or its payload is invalid.
 */
export function openRun(envelope: Envelope): Run | null {
  if (envelope.envelope_type !== 'task_submit') return null;
  const payload = parsePayload('task_submit', envelope.payload);
  if (!payload.ok) return null;
  return {
    id: envelope.id,
    projectId: payload.value.project_id,
    instruction: payload.value.instruction,
    isPlanGiven: payload.value.plan !== null,
    submittedPlan: payload.value.plan,
    settings: payload.value.settings,
    budget: { usd: payload.value.settings.budget_usd, tokens: payload.value.settings.budget_tokens },
    spent: [],
    reservations: new Map(),
    settlingWorks: new Set(),
    createdAt: envelope.created_at,
    version: 1,
    updatedAt: envelope.created_at,
    state: 'pending',
    returnsTo: 'pending',
    plan: null,
    planHash: null,
    planApprovalId: null,
    revision: 0,
    revisionUnapproved: false,
    baseOid: null,
    tipOid: null,
    partial: false,
    tasks: new Map(),
    dependants: new Map(),
    counts: Object.fromEntries(taskStates.map((state) => [state, 0])) as Record<TaskState, number>,
    attempts: new Map(),
    images: new Map(),
    approvals: new Map(),
    questions: new Map(),
    effects: new Map(),
    verifications: new Map(),
    merges: [],
    integrations: 0,
    baseMoves: 0,
    reopenings: 0,
    pullRequest: null,
    completion: null,
    error: null,
    refused: 0,
    agenda: new Set(),
  };
}

/**
 * Folds the next entry of the run's stream into `run`, in place. `seq` must be `run.version + 1`.
 * What no table allows leaves the run as it is and is counted in `run.refused`; nothing throws on what a stream may hold.
 */
export function fold(run: Run, seq: number, envelope: Envelope): void {
  if (seq !== run.version + 1) throw new Error(`entry ${seq} does not follow ${run.version} of run ${run.id}`);
  run.version = seq;
  run.updatedAt = envelope.created_at;
  if (!apply(run, envelope)) run.refused += 1;
}

function apply(run: Run, envelope: Envelope): boolean {
  switch (envelope.envelope_type) {
    case 'plan_request':
    case 'run_cancel':
      return moveRun(run, envelope.envelope_type);
    case 'run_pause':
      return pauseRun(run);
    case 'run_resume':
      return withPayload('run_resume', envelope, (payload) => resumeRun(run, payload));
    case 'run_state':
      return withPayload('run_state', envelope, (payload) => changeRunState(run, payload));
    case 'run_failed':
      return withPayload('run_failed', envelope, (payload) => {
        if (!moveRun(run, 'run_failed')) return false;
        run.error = payload.error;
        return true;
      });
    case 'run_complete':
      return withPayload('run_complete', envelope, (payload) => {
        if (!moveRun(run, 'run_complete')) return completeLater(run, payload);
        run.pullRequest = payload.pull_request;
        return true;
      });
    case 'verify_result':
      return withPayload('verify_result', envelope, (payload) => {
        const record = run.verifications.get(payload.oid) ?? { outcomes: [] };
        record.outcomes.push(payload);
        run.verifications.set(payload.oid, record);
        return true;
      });
    default:
      return (
        foldPlan(run, envelope) ??
        foldTask(run, envelope) ??
        foldAttempt(run, envelope) ??
        foldEffect(run, envelope) ??
        foldQuestion(run, envelope) ??
        foldBudget(run, envelope) ??
        foldWatch(run, envelope) ??
        true
      );
  }
}

/** A person may merge what is open before it is on record that it is: said once, it must not be lost. */
function completeLater(run: Run, payload: PayloadOf<'run_complete'>): boolean {
  const isPublishing =
    stageOf(run) === 'publishing' || (run.state === 'needs_attention' && run.returnsTo === 'publishing');
  if (isPublishing) run.completion = payload;
  return isPublishing;
}

function pauseRun(run: Run): boolean {
  const from = run.state;
  if (!moveRun(run, 'run_pause')) return false;
  run.returnsTo = from;
  return true;
}

function resumeRun(run: Run, payload: PayloadOf<'run_resume'>): boolean {
  const from = run.state;
  // Also where there is nothing to go on with: what it may spend is a person's to say at any time.
  const isRaised = !runEnds.has(from) && raiseBudget(run, payload);
  if (!moveRun(run, 'run_resume', from === 'running' ? from : run.returnsTo)) return isRaised;
  run.error = null;
  if (from === 'needs_attention') forgetFailures(run);
  for (const [id, task] of run.tasks) {
    run.agenda.add(id);
    task.retryWanted = task.state === 'awaiting_person' && openApproval(run, task) === null;
  }
  return true;
}

const outside: ReadonlySet<EffectRecord['effect']['kind']> = new Set(['push', 'pull_request', 'integrate', 'verify']);

/** A person asked for another try: what was sent outside and did not succeed may be requested anew, checks that were not green run again. */
function forgetFailures(run: Run): void {
  for (const [key, { effect, outcome }] of run.effects) {
    const isConflict = outcome?.kind === 'integrate' && outcome.outcome === 'conflict';
    // A branch that was pushed may be gone again: until the pull request stands it is pushed anew, which changes nothing where it is there.
    const isUnpublishedPush = effect.kind === 'push' && run.pullRequest === null;
    if (outside.has(effect.kind) && (outcome === null || isConflict || isUnpublishedPush)) run.effects.delete(key);
  }
  for (const [oid, { outcomes }] of run.verifications)
    if (outcomes.at(-1)?.outcome !== 'green') run.verifications.delete(oid);
  run.baseMoves = 0;
  run.reopenings = 0;
}

function changeRunState(run: Run, payload: PayloadOf<'run_state'>): boolean {
  const from = stageOf(run);
  if (!moveRun(run, 'run_state', payload.to)) return false;
  if (run.state === 'needs_attention') {
    run.returnsTo = from === 'awaiting_approval' ? 'planning' : from;
    run.error = payload.error;
    closeApproval(run, run.planApprovalId);
  }
  if (payload['partial'] === true) run.partial = true;
  if (run.state === 'running') for (const id of run.tasks.keys()) run.agenda.add(id);
  return true;
}
