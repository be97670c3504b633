import type { Envelope, PayloadOf } from '@agentcompany/protocol';
import { addTask } from './add-task.ts';
import { planningWork } from './budget.ts';
import { noteCalls } from './fold-budget.ts';
import { withPayload } from './fold-payload.ts';
import { takeRevision } from './fold-revision.ts';
import { moveRun, moveTask } from './moves.ts';
import { findPlanProblem } from './plan-check.ts';
import type { Run } from './records.ts';
import { stageOf } from './stage.ts';

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

function takePlan(run: Run, payload: PayloadOf<'task_plan'>): boolean {
  if (stageOf(run) !== 'planning' || run.plan !== null || findPlanProblem(payload.plan) !== null) return false;
  run.plan = payload.plan;
  run.submittedPlan = null;
  run.planHash = payload.hash;
  run.revision = payload.revision;
  run.baseOid = payload.base_oid;
  run.tipOid = payload.base_oid;
  for (const spec of payload.plan.tasks) addTask(run, { spec });
  return true;
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
  if (payload.decision === 'approve' && approval.request.subject === 'plan') run.revisionUnapproved = false;
  if (approval.request.task_id !== null) run.agenda.add(approval.request.task_id);
  return true;
}
