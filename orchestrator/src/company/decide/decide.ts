import { parsePayload, type AppError, type Envelope } from '@agentcompany/protocol';
import { isOpen, openApprovals } from '../approvals.ts';
import { companyErrors } from '../errors.ts';
import type { Run, TaskRecord } from '../records.ts';
import { stageOf } from '../stage.ts';
import { attemptEnds, tasksInMotion } from '../states.ts';
import { decideCancellation } from './cancellation.ts';
import { decideTask } from './decide-task.ts';
import { message, record, runState, taskState, type Draft } from './draft.ts';
import { decidePublication } from './publication.ts';
import { askForPlan } from './plan-approval.ts';
import { onQuietTimer, type ShowsProgress } from './quiet.ts';
import { settleUnknown } from './settle-unknown.ts';
import { decideVerification } from './verification.ts';

/**
 * What follows from the state of a run: the envelopes to send, none when there is nothing to do. It depends on the folded
 * state alone, so it may be asked again at any time: after a crash, after a refused step, or for no reason.
 */
export function decide(run: Run): readonly Draft[] {
  switch (run.state) {
    case 'pending':
      return [
        message('plan_request', 'manager', {
          project_id: run.projectId,
          instruction: run.instruction,
          plan: run.submittedPlan,
        }),
      ];
    case 'planning':
      return whenPlanned(run);
    case 'awaiting_approval':
      return whenPlanApproved(run);
    case 'running':
      return whenRunning(run);
    case 'verifying':
      return decideVerification(run);
    case 'publishing':
      return decidePublication(run);
    case 'published':
      return run.completion === null ? [] : [record('run_complete', run.completion)];
    case 'cancelling':
      return decideCancellation(run);
    default:
      return [];
  }
}

function whenPlanned(run: Run): readonly Draft[] {
  if (run.plan === null) return [];
  if (run.settings.approvals.plan === 'auto') return [runState('running', 'the plan stands')];
  return askForPlan(run);
}

function whenPlanApproved(run: Run): readonly Draft[] {
  const approval = run.approvals.get(run.planApprovalId ?? '');
  if (approval === undefined) return [];
  const { response } = approval;
  // The plan was changed before anybody answered: what was asked about is no more.
  if (response === null) return approval.closed ? askForPlan(run) : [];
  if (response.decision === 'approve') return [runState('running', 'the plan was approved')];
  const comment = response.comment || 'no reason given';
  if (run.revisionUnapproved)
    return [
      runState('needs_attention', 'the changed plan was rejected', companyErrors.AC_REVISION_REJECTED({ comment })),
    ];
  return [record('run_failed', { error: companyErrors.AC_PLAN_REJECTED({ comment }) })];
}

function whenRunning(run: Run): readonly Draft[] {
  if (run.revisionUnapproved) return askForPlan(run);
  // In the plan's order: a run that was folded anew after a crash has the same agenda, but came to it another way.
  const agenda = [...run.agenda].flatMap((id) => run.tasks.get(id) ?? []);
  const drafts = agenda.toSorted((one, other) => one.index - other.index).flatMap((task) => decideTask(run, task));
  if (drafts.length > 0) return oneRevisionAtATime(drafts);
  if (tasksInMotion.some((state) => run.counts[state] > 0) || openApprovals(run).length > 0) return [];
  const { pending, blocked, awaiting_person: awaiting, failed } = run.counts;
  if (pending + blocked + awaiting + failed === 0) return [runState('verifying', 'all tasks are merged')];
  if (run.settings.on_failure === 'partial' && run.merges.length > 0) {
    return [
      {
        ...runState('verifying', 'what could be done is merged'),
        payload: { to: 'verifying', reason: 'partial', error: null, partial: true },
      },
    ];
  }
  return [runState('needs_attention', 'nothing can move', stuckError(run))];
}

/** Two conflicts in one step would both claim the next revision number: the second is decided in the next step. */
function oneRevisionAtATime(drafts: readonly Draft[]): readonly Draft[] {
  const first = drafts.findIndex((draft) => draft.type === 'plan_revision');
  return drafts.filter((draft, index) => draft.type !== 'plan_revision' || index === first);
}

/** The error of the first stuck task in plan order; it carries the remedy that helps most. */
function stuckError(run: Run): AppError {
  const stuck = [...run.tasks.values()].filter((task) => task.error !== null && task.supersededBy === null);
  const first = stuck[0]?.error;
  const tasks = [...run.tasks.values()]
    .filter(({ state }) => state === 'failed' || state === 'awaiting_person' || state === 'blocked')
    .map(({ spec, state }) => `${spec.id} (${state})`);
  return first ?? companyErrors.AC_RUN_STUCK({ tasks: tasks.slice(0, 10).join(', ') });
}

/** What a time that has come, or a message that could not be handed over, changes; none for any other envelope. */
export function decideOnTrigger(
  run: Run,
  trigger: Envelope,
  showsProgress: ShowsProgress = () => false,
): readonly Draft[] {
  if (trigger.envelope_type === 'timer_due') return onTimer(run, trigger, showsProgress);
  if (trigger.envelope_type === 'dead_letter') return onDeadLetter(run, trigger);
  return [];
}

function onTimer(run: Run, trigger: Envelope, showsProgress: ShowsProgress): readonly Draft[] {
  const payload = parsePayload('timer_due', trigger.payload);
  if (payload.ok && payload.value.timer === 'quiet') return onQuietTimer(run, payload.value, showsProgress);
  const approval = payload.ok ? run.approvals.get(payload.value.subject) : undefined;
  if (approval === undefined || !isOpen(approval)) return [];
  const { task_id: taskId, expires_at: expires } = approval.request;
  const error = companyErrors.AC_APPROVAL_LAPSED({ expires });
  if (taskId === null)
    return stageOf(run) === 'awaiting_approval' ? [runState('needs_attention', 'approval lapsed', error)] : [];
  return run.tasks.get(taskId)?.state === 'awaiting_person'
    ? [taskState(taskId, 'awaiting_person', 'approval lapsed', error)]
    : [];
}

/** What nobody could carry out: its own error is the run's or the task's, for its remedy is the one that helps. */
function onDeadLetter(run: Run, trigger: Envelope): readonly Draft[] {
  const payload = parsePayload('dead_letter', trigger.payload);
  const error = payload.ok
    ? payload.value.error
    : companyErrors.AC_STEP_UNDELIVERABLE({ message: payload.error.message });
  const task = run.tasks.get(trigger.context.task_id ?? '');
  if (task !== undefined) return onUndeliverableTask(run, task, error);
  const stage = stageOf(run);
  if (stage === 'pending' || stage === 'planning') return [record('run_failed', { error })];
  return stage === 'running' || stage === 'verifying' || stage === 'publishing'
    ? [runState('needs_attention', 'undeliverable', error)]
    : [];
}

const reachable: ReadonlySet<TaskRecord['state']> = new Set([
  'assigned',
  'running',
  'quality_check',
  'in_review',
  'merging',
]);

function onUndeliverableTask(run: Run, task: TaskRecord, error: AppError): readonly Draft[] {
  const id = task.spec.id;
  const attempt = run.attempts.get(task.attemptId ?? '');
  const settled = settleUnknown(attempt);
  if (reachable.has(task.state)) return [taskState(id, 'awaiting_person', 'undeliverable', error), ...settled];
  if (task.state !== 'cancelling' || attempt === undefined || attemptEnds.has(attempt.state)) return [];
  // No host will ever answer for it: the cancellation must not wait for one.
  return [
    record(
      'attempt_lost',
      { attempt_id: attempt.id, epoch: attempt.epoch, error },
      { taskId: id, attemptId: attempt.id },
    ),
    ...settled,
  ];
}
