import type { TaskState } from './states.ts';
import type { StateTable } from './transitions.ts';

/**
 * A task's life (DESIGN §5). A revision of the plan that supersedes or removes a task cancels it, also where it has failed already; one
 * that makes room for what was blocked has that looked at again. A reopened merge is a new task.
 */
export const taskTable: StateTable<TaskState> = {
  none: { task_plan: ['pending'], plan_revision: ['pending'] },
  pending: { task_state: ['ready', 'blocked', 'cancelled'], plan_revision: ['cancelled'] },
  blocked: { task_state: ['cancelled'], plan_revision: ['cancelled', 'pending'] },
  ready: { task_assign: ['assigned'], task_state: ['cancelled'], plan_revision: ['cancelled'] },
  assigned: {
    attempt_started: ['running'],
    task_state: ['cancelled', 'awaiting_person'],
    plan_revision: ['cancelled'],
  },
  running: {
    attempt_lost: ['assigned'],
    task_complete: ['quality_check'],
    task_retry: ['ready'],
    task_state: ['failed', 'awaiting_person', 'cancelling', 'cancelled'],
    plan_revision: ['cancelling', 'cancelled'],
  },
  quality_check: {
    review_request: ['in_review'],
    task_retry: ['ready'],
    task_state: ['failed', 'awaiting_person', 'cancelled'],
    plan_revision: ['cancelled'],
  },
  in_review: {
    task_retry: ['ready'],
    approval_request: ['awaiting_person'],
    task_state: ['approved', 'failed', 'awaiting_person', 'cancelled'],
    plan_revision: ['cancelled'],
  },
  approved: { merge_request: ['merging'], task_state: ['cancelled'] },
  merging: {
    merge_complete: ['merged'],
    conflict_escalate: ['awaiting_person'],
    task_state: ['awaiting_person', 'cancelled'],
    plan_revision: ['cancelled'],
  },
  awaiting_person: {
    task_retry: ['ready'],
    task_state: ['approved', 'failed', 'awaiting_person', 'cancelled'],
    plan_revision: ['cancelled'],
  },
  cancelling: { attempt_lost: ['cancelled'], task_complete: ['cancelled'], task_failed: ['cancelled'] },
  merged: {},
  failed: { plan_revision: ['cancelled'] },
  cancelled: {},
};
