import type { RunState } from './states.ts';
import type { StateTable } from './transitions.ts';

const stop = { run_pause: ['paused'], run_cancel: ['cancelling'], run_failed: ['failed'] } as const;

/**
 * A run's life (DESIGN §5). `run_resume` leads back to where the run was paused or stuck: the fold names the
 * state; a run at work stays so, and its tasks that wait for a person are tried again. A plan that was changed is asked about anew.
 */
export const runTable: StateTable<RunState> = {
  none: { task_submit: ['pending'] },
  pending: { ...stop, plan_request: ['planning'] },
  planning: { ...stop, approval_request: ['awaiting_approval'], run_state: ['running', 'needs_attention'] },
  awaiting_approval: {
    ...stop,
    approval_request: ['awaiting_approval'],
    run_state: ['running', 'needs_attention'],
  },
  running: {
    ...stop,
    approval_request: ['awaiting_approval'],
    run_state: ['verifying', 'needs_attention'],
    run_resume: ['running'],
  },
  verifying: { ...stop, run_state: ['running', 'publishing', 'needs_attention'] },
  publishing: { ...stop, run_state: ['published', 'needs_attention'] },
  published: { run_state: ['running'], run_cancel: ['cancelling'], run_complete: ['completed'] },
  paused: {
    run_resume: ['pending', 'planning', 'awaiting_approval', 'running', 'verifying', 'publishing'],
    run_cancel: ['cancelling'],
    run_state: ['needs_attention'],
    run_failed: ['failed'],
  },
  needs_attention: {
    run_resume: ['planning', 'awaiting_approval', 'running', 'verifying', 'publishing'],
    run_cancel: ['cancelling'],
    run_failed: ['failed'],
  },
  cancelling: { run_state: ['cancelled'] },
  completed: {},
  failed: {},
  cancelled: {},
};
