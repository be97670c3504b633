import type { EnvelopeType } from '@agentcompany/protocol';
import type { Run, TaskRecord } from '../records.ts';
import { runStates, taskStates } from '../states.ts';
import { envelopeOf, errorOf, openedRun, planOf, settingsOf, task } from './fixtures.ts';
import { fold } from '../fold.ts';

export const attemptId = 'attempt-1';
export const assignmentId = '0198c5a0-0000-7000-8000-00000000aaaa';

const error = errorOf('AC_SOMETHING');
const pullRequest = { number: 1, url: 'https://forge.example/1', branch: 'agent/x', base: 'main' };
const agent = { command: 'make', exit_code: 0, duration_ms: 1, output: '' };
const feedback = { reason: 'failed', message: 'no', findings: [] };
const identity = { attempt_id: attemptId, epoch: 1 };
const ingested = {
  commit: 'c',
  tree: 't',
  base_oid: 'base',
  changes: [],
  insertions: 0,
  deletions: 0,
  protected_paths: [],
};
const effect = { kind: 'push', key: 'run/push', oid: 'o', branch: 'b' };
const approval = {
  approval_id: 'task/attempt-1',
  subject: 'protected_paths',
  task_id: 'a',
  hash: 't',
  expires_at: '2027-01-01T00:00:00.000Z',
  summary: '',
  details: [],
};

/** Valid payloads of every type, about task `a` and its attempt; the state a `run_state` or `task_state` names comes from elsewhere. */
export const examples: Readonly<Record<EnvelopeType, Readonly<Record<string, unknown>>>> = {
  task_submit: { project_id: 'shop', instruction: 'x', plan: null, settings: settingsOf() },
  plan_request: { project_id: 'shop', instruction: 'x', plan: null },
  task_plan: { revision: 1, base_oid: 'base', plan: planOf({ z: [] }), hash: 'h' },
  plan_revision: {
    revision: 2,
    reason: 'r',
    add: [task('a2')],
    supersede: [{ task_id: 'a', by: 'a2' }],
    feedback: null,
  },
  approval_request: approval,
  approval_response: { approval_id: 'task/attempt-1', hash: 't', decision: 'approve', comment: '', by: 'me' },
  question: { question_id: 'q', attempt_id: attemptId, question: 'Which?', options: [] },
  answer: { question_id: 'q', answer: 'This.', by: 'me' },
  task_note: { note: 'n', by: 'me' },
  task_assign: { project_id: 'shop', task: task('a'), verify: [], round: 2, feedback: null, image: null },
  attempt_started: { attempt_id: 'attempt-2', round: 1, epoch: 2, host_id: 'h', slot: 's', base_oid: 'base' },
  attempt_lost: { ...identity, error },
  task_progress: { attempt_id: attemptId, message: 'm' },
  egress_request: {
    attempt_id: attemptId,
    event: 'opened',
    host: 'registry.example.org',
    port: 443,
    inspected: true,
    method: null,
    path: null,
    status: null,
    sent_bytes: 0,
    received_bytes: 0,
    reason: null,
    count: 1,
  },
  task_complete: {
    ...identity,
    result: { commit: 'c', tree: 't', bundle: { sha256: 's', bytes: 1 }, agent, verify: [] },
  },
  task_failed: { ...identity, error, agent: null, verify: [] },
  task_retry: { feedback },
  task_state: { to: 'ready', reason: 'r', error: null },
  review_request: { attempt_id: attemptId, ingested },
  review_response: { attempt_id: attemptId, tree: 't', verdict: 'approve', findings: [], reviewer: 'r' },
  triage_request: { attempt_id: attemptId, failures: 3, error },
  triage_response: {
    attempt_id: attemptId,
    decision: 'retry',
    reason: 'r',
    advice: 'a',
    revision: null,
    manager: 'm',
  },
  merge_request: { attempt_id: attemptId, commit: 'c', tree: 't', title: 'x' },
  merge_complete: { attempt_id: attemptId, outcome: 'merged', tip_before: 'base', tip_after: 'tip', conflicts: [] },
  conflict_escalate: { conflicts: ['x'], message: 'm' },
  verify_result: { oid: 'base', outcome: 'green', reports: [], error: null },
  escalate: { reason: 'r', error: null },
  run_state: { to: 'running', reason: 'r', error: null },
  run_pause: { by: 'me' },
  run_resume: { by: 'me' },
  run_cancel: { by: 'me', reason: 'r' },
  run_complete: { outcome: 'merged', pull_request: pullRequest },
  run_failed: { error },
  effect_request: { effect },
  effect_result: { key: 'run/push', kind: 'push', outcome: { kind: 'push', oid: 'o', branch: 'b' }, error: null },
  timer_due: { timer: 'approval', subject: 'task/attempt-1' },
  budget_grant: { attempt_id: attemptId, usd: 1, tokens: null },
  budget_settle: { attempt_id: attemptId, account: [] },
  dead_letter: { queue: 'workers', envelope_id: assignmentId, envelope_type: 'task_assign', deliveries: 20, error },
  status_request: { attempt_id: attemptId, number: 1 },
  status_response: {
    attempt_id: attemptId,
    number: 1,
    status: 's',
    steps: 1,
    turn: 1,
    tokens: 0,
    quiet_seconds: 1,
    allowed_seconds: 0,
  },
  ping: {},
  pong: {},
};

/** The example of a type, one for each state it may name. */
export function examplesOf(type: EnvelopeType): readonly Readonly<Record<string, unknown>>[] {
  if (type === 'run_state') return runStates.map((to) => ({ ...examples[type], to }));
  if (type === 'task_state') return taskStates.map((to) => ({ ...examples[type], to }));
  return [examples[type]];
}

/** A run at work on task `a`, its only attempt `working`; `b` depends on it. */
export function workingRun(): { readonly run: Run; readonly task: TaskRecord } {
  const run = openedRun(planOf({ a: [], b: ['a'] }));
  const about = { taskId: 'a', attemptId };
  const container = { kind: 'container', key: 'container', attempt_id: attemptId };
  const started = { ...examples.attempt_started, attempt_id: attemptId, epoch: 1 };
  const history = [
    envelopeOf('plan_request', examples.plan_request),
    envelopeOf('task_plan', { ...examples.task_plan, plan: run.submittedPlan }),
    envelopeOf('run_state', examples.run_state),
    envelopeOf('task_state', examples.task_state, about),
    envelopeOf('task_assign', { ...examples.task_assign, round: 1 }, { ...about, id: assignmentId }),
    envelopeOf('attempt_started', started, { ...about, inReplyTo: assignmentId }),
    envelopeOf('effect_request', { effect: container }, about),
    envelopeOf(
      'effect_result',
      { key: 'container', kind: 'container', outcome: { kind: 'container', container_id: 'c' }, error: null },
      about,
    ),
  ];
  for (const envelope of history) fold(run, run.version + 1, envelope);
  const first = run.tasks.get('a');
  if (first === undefined || run.refused > 0) throw new Error('the fixture was refused');
  return { run, task: first };
}
