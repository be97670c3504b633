import type { Envelope, Feedback, PayloadOf, Task } from '@agentcompany/protocol';
import { planningWork } from './budget.ts';
import { noteCalls } from './fold-budget.ts';
import { withPayload } from './fold-payload.ts';
import { moveRun, moveTask } from './moves.ts';
import { findPlanProblem } from './plan-check.ts';
import type { Run, TaskRecord } from './records.ts';
import { stageOf } from './stage.ts';
import { nextState } from './transitions.ts';
import { taskTable } from './task-table.ts';

/** Plans, revisions and approvals. Undefined for other envelope types. */
export function foldPlan(run: Run, envelope: Envelope): boolean | undefined {
  switch (envelope.envelope_type) {
    case 'task_plan':
      return withPayload('task_plan', envelope, (payload) => {
        noteCalls(run, planningWork, payload.planning?.calls);
        return takePlan(run, payload);
      });
    case 'plan_revision':
      return withPayload('plan_revision', envelope, (payload) => takeRevision(run, payload));
    case 'approval_request':
      return withPayload('approval_request', envelope, (payload) => takeApprovalRequest(run, payload));
    case 'approval_response':
      return withPayload('approval_response', envelope, (payload) => takeApprovalResponse(run, payload));
    case 'timer_due':
      return withPayload('timer_due', envelope, () => true);
    default:
      return undefined;
  }
}

function addTask(run: Run, spec: Task, conflictRounds: number, feedback: Feedback | null): void {
  const record: TaskRecord = {
    spec,
    index: run.tasks.size,
    conflictRounds,
    state: 'pending',
    rounds: 0,
    failures: 0,
    reviewRounds: 0,
    feedback,
    assignmentId: null,
    attemptId: null,
    approvalId: null,
    conflicts: null,
    supersededBy: null,
    retryWanted: false,
    error: null,
  };
  run.tasks.set(spec.id, record);
  run.counts.pending += 1;
  run.agenda.add(spec.id);
  for (const dependency of spec.depends_on) {
    const list = run.dependants.get(dependency) ?? [];
    list.push(spec.id);
    run.dependants.set(dependency, list);
  }
}

function takePlan(run: Run, payload: PayloadOf<'task_plan'>): boolean {
  if (stageOf(run) !== 'planning' || run.plan !== null || findPlanProblem(payload.plan) !== null) return false;
  run.plan = payload.plan;
  run.submittedPlan = null;
  run.planHash = payload.hash;
  run.revision = payload.revision;
  run.baseOid = payload.base_oid;
  run.tipOid = payload.base_oid;
  for (const spec of payload.plan.tasks) addTask(run, spec, 0, null);
  return true;
}

function takeRevision(run: Run, payload: PayloadOf<'plan_revision'>): boolean {
  if (run.plan === null || payload.revision !== run.revision + 1 || !isPossible(run, payload)) return false;
  run.revision = payload.revision;
  const rounds = new Map<string, number>();
  for (const { task_id, by } of payload.supersede) {
    const task = run.tasks.get(task_id);
    if (task === undefined) continue;
    moveTask(run, task, 'plan_revision');
    task.supersededBy = by;
    rounds.set(by, task.conflictRounds + 1);
  }
  if (payload.supersede.length === 0) run.reopenings += 1;
  for (const spec of payload.add) addTask(run, spec, rounds.get(spec.id) ?? 0, payload.feedback);
  // Whoever waits for the superseded task now waits for its successor.
  for (const { task_id, by } of payload.supersede) {
    for (const dependant of run.dependants.get(task_id) ?? []) {
      run.dependants.set(by, [...(run.dependants.get(by) ?? []), dependant]);
      run.agenda.add(dependant);
    }
  }
  // A conflict that was held back, so that two revisions never claim one number, is decided now.
  for (const [id, task] of run.tasks) if (task.conflicts !== null) run.agenda.add(id);
  return true;
}

/** A revision is taken whole or not at all: new names, known dependencies, and for each superseded task one that it adds. */
function isPossible(run: Run, { add, supersede }: PayloadOf<'plan_revision'>): boolean {
  const added = new Set(add.map(({ id }) => id));
  const superseded = new Set(supersede.map(({ task_id: id }) => id));
  if (added.size !== add.length || superseded.size !== supersede.length) return false;
  if (add.some((spec) => run.tasks.has(spec.id) || spec.depends_on.some((id) => !run.tasks.has(id)))) return false;
  return supersede.every(({ task_id: id, by }) => {
    const task = run.tasks.get(id);
    return task !== undefined && added.has(by) && nextState(taskTable, task.state, 'plan_revision') !== null;
  });
}

function takeApprovalRequest(run: Run, payload: PayloadOf<'approval_request'>): boolean {
  const task = payload.task_id === null ? undefined : run.tasks.get(payload.task_id);
  if (payload.subject === 'plan') {
    if (!moveRun(run, 'approval_request')) return false;
    run.planApprovalId = payload.approval_id;
  } else {
    if (task === undefined || !moveTask(run, task, 'approval_request')) return false;
    task.approvalId = payload.approval_id;
  }
  run.approvals.set(payload.approval_id, { request: payload, response: null, closed: false });
  return true;
}

/** An answer counts once, before its expiry, and only for the very hash that was asked about. */
function takeApprovalResponse(run: Run, payload: PayloadOf<'approval_response'>): boolean {
  const approval = run.approvals.get(payload.approval_id);
  if (approval === undefined || approval.response !== null || approval.closed || approval.request.hash !== payload.hash)
    return false;
  if (run.updatedAt > approval.request.expires_at) return false;
  approval.response = payload;
  if (approval.request.task_id !== null) run.agenda.add(approval.request.task_id);
  return true;
}
