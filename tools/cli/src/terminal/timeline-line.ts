import type { StreamEntry } from '@agentcompany/orchestrator';
import type { EnvelopeType } from '@agentcompany/protocol';
import { counted, fit } from './clean-text.ts';
import type { Style } from './style.ts';

type Payload = Readonly<Record<string, unknown>>;
type Tone = 'good' | 'bad' | 'attention' | 'faint' | 'plain';
interface Said {
  readonly tone: Tone;
  readonly text: string;
}

function record(value: unknown): Payload {
  return typeof value === 'object' && value !== null ? (value as Payload) : {};
}

function text(payload: Payload, field: string): string {
  const value = payload[field];
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
}

function items(payload: Payload, field: string): readonly unknown[] {
  const value = payload[field];
  return Array.isArray(value) ? value : [];
}

function errorText(payload: Payload): string {
  const error = record(payload['error']);
  return 'code' in error ? `${text(error, 'code')}: ${text(error, 'message')}` : '';
}

/** The parts that are not empty, parted by ` - `. */
function join(...parts: readonly string[]): string {
  return parts.filter((part) => part !== '').join(' - ');
}

function say(tone: Tone, ...parts: readonly string[]): Said {
  return { tone, text: join(...parts) };
}

const stateTones: Readonly<Record<string, Tone>> = {
  published: 'good',
  completed: 'good',
  merged: 'good',
  failed: 'bad',
  cancelled: 'attention',
  blocked: 'attention',
  awaiting_person: 'attention',
  awaiting_approval: 'attention',
  needs_attention: 'attention',
  paused: 'attention',
};

function reviewed(payload: Payload): Said {
  const verdict = text(payload, 'verdict');
  const findings = items(payload, 'findings').map((finding) =>
    join(text(record(finding), 'path'), text(record(finding), 'message')),
  );
  const tone = verdict === 'approve' ? 'good' : verdict === 'reject' ? 'bad' : 'attention';
  return say(
    tone,
    `review by ${text(payload, 'reviewer')}: ${verdict.replaceAll('_', ' ')}`,
    findings.slice(0, 2).join('; '),
  );
}

function merged(payload: Payload): Said {
  if (text(payload, 'outcome') === 'merged')
    return say('good', `merged into the run branch, tip ${text(payload, 'tip_after').slice(0, 10)}`);
  return say('attention', `conflict in ${items(payload, 'conflicts').map(String).join(', ')}`);
}

function verified(payload: Payload): Said {
  const outcome = text(payload, 'outcome');
  return say(
    outcome === 'green' ? 'good' : 'bad',
    `checks on ${text(payload, 'oid').slice(0, 10)}: ${outcome}`,
    errorText(payload),
  );
}

/** Of effects only those a person waits for: the push and the pull request, and whatever failed. */
function effectEnded(payload: Payload): Said | null {
  if (payload['error'] !== null && payload['error'] !== undefined)
    return say('bad', `${text(payload, 'kind').replaceAll('_', ' ')} failed`, errorText(payload));
  const outcome = record(payload['outcome']);
  const pullRequest = record(outcome['pull_request']);
  if ('number' in pullRequest)
    return say('good', `pull request #${text(pullRequest, 'number')} opened`, text(pullRequest, 'url'));
  return text(outcome, 'kind') === 'push' ? say('good', `pushed ${text(outcome, 'branch')}`) : null;
}

function stateChanged(payload: Payload): Said {
  const to = text(payload, 'to');
  return say(stateTones[to] ?? 'plain', to.replaceAll('_', ' '), errorText(payload) || text(payload, 'reason'));
}

/** What the assignment and the review just said is not said again. */
function taskStateChanged(payload: Payload): Said | null {
  const to = text(payload, 'to');
  return to === 'ready' || to === 'approved' ? null : stateChanged(payload);
}

function planned(payload: Payload): Said {
  const plan = record(payload['plan']);
  return say('plain', `plan of ${counted(items(plan, 'tasks').length, 'task')}`, text(plan, 'title'));
}

function answered(payload: Payload): Said {
  const decision = text(payload, 'decision');
  return say(
    decision === 'approve' ? 'good' : 'bad',
    `${decision === 'approve' ? 'approved' : 'rejected'} by ${text(payload, 'by')}`,
    text(payload, 'comment'),
  );
}

/** Null: it was waited for in vain. */
function answeredQuestion(payload: Payload): Said {
  if (payload['answer'] === null) return say('attention', 'nobody answered in time: it goes on as it thinks best');
  return say('plain', `answered by ${text(payload, 'by')}: ${text(payload, 'answer')}`);
}

function retried(payload: Payload): Said {
  const feedback = record(payload['feedback']);
  const reason = text(feedback, 'reason');
  // The line before says how the attempt failed.
  if (reason === 'failed' || reason === 'quality_failed') return say('attention', 'sent back with what went wrong');
  return say('attention', `sent back: ${reason.replaceAll('_', ' ')}`, text(feedback, 'message'));
}

/** Connections alone are no news: what was asked in them is, and what was refused. */
function wentOut(payload: Payload): Said | null {
  const where = `${text(payload, 'host')}${text(payload, 'path')}`;
  if (payload['event'] === 'refused') {
    const count = payload['count'] === 1 ? '' : ` (${text(payload, 'count')} times)`;
    return say(
      'attention',
      `not let out: ${[text(payload, 'method'), where].join(' ').trim()}${count}`,
      text(payload, 'reason').replaceAll('_', ' '),
    );
  }
  if (payload['event'] === 'answered')
    return say('faint', `${text(payload, 'method')} ${where}: ${text(payload, 'status')}`);
  return null;
}

/** What a person reads of each type; types that are not here are machinery and stay silent. */
const sayings: Partial<Record<EnvelopeType, (payload: Payload) => Said | null>> = {
  task_submit: (payload) => say('plain', `accepted for ${text(payload, 'project_id')}`, text(payload, 'instruction')),
  task_plan: planned,
  plan_revision: (payload) => {
    const by = text(payload, 'by');
    return say('attention', `plan changed${by === '' ? '' : ` by ${by}`}: ${text(payload, 'reason')}`);
  },
  approval_request: (payload) => say('attention', `needs your approval: ${text(payload, 'summary')}`),
  approval_response: answered,
  question: (payload) => say('attention', `asks: ${text(payload, 'question')}`),
  answer: answeredQuestion,
  task_assign: (payload) => say('faint', `ready, round ${text(payload, 'round')}`),
  attempt_started: (payload) => say('plain', `started on ${text(payload, 'slot')}, round ${text(payload, 'round')}`),
  attempt_lost: (payload) => say('attention', 'attempt lost', errorText(payload)),
  task_progress: (payload) => say('faint', text(payload, 'message')),
  egress_request: wentOut,
  task_complete: (payload) => say('plain', `delivered ${text(record(payload['result']), 'commit').slice(0, 10)}`),
  task_failed: (payload) => say('bad', 'attempt failed', errorText(payload)),
  task_retry: retried,
  task_state: taskStateChanged,
  task_note: (payload) => say('plain', `${text(payload, 'by')} says: ${text(payload, 'note')}`),
  triage_request: () => say('faint', 'the Manager is asked what to do'),
  triage_response: (payload) =>
    say('attention', `the Manager says: ${text(payload, 'decision')}`, text(payload, 'reason')),
  status_response: (payload) =>
    say('faint', `no progress for ${text(payload, 'quiet_seconds')} s`, text(payload, 'status')),
  review_response: reviewed,
  merge_complete: merged,
  conflict_escalate: (payload) => say('attention', text(payload, 'message')),
  verify_result: verified,
  escalate: (payload) => say('attention', `needs a person: ${text(payload, 'reason')}`, errorText(payload)),
  effect_result: effectEnded,
  run_state: stateChanged,
  run_pause: (payload) => say('attention', `pause asked by ${text(payload, 'by')}`),
  run_resume: (payload) => say('plain', `resumed by ${text(payload, 'by')}`),
  run_cancel: (payload) => say('attention', `cancel asked by ${text(payload, 'by')}`, text(payload, 'reason')),
  run_complete: (payload) => say('good', `completed: pull request ${text(payload, 'outcome')}`),
  run_failed: (payload) => say('bad', 'failed', errorText(payload)),
  dead_letter: (payload) => say('bad', `undeliverable ${text(payload, 'envelope_type')}`, errorText(payload)),
};

/** One line of a run's timeline, at most `width` characters, or null for machinery. Times are the local clock's. */
export function timelineLine(entry: StreamEntry, style: Style, width: number): string | null {
  const { envelope } = entry;
  const said = sayings[envelope.envelope_type]?.(envelope.payload) ?? null;
  if (said === null) return null;
  const at = new Date(envelope.created_at);
  const clock = Number.isNaN(at.getTime()) ? '--:--:--' : at.toTimeString().slice(0, 8);
  const subject = fit(envelope.context.task_id ?? 'run', 18).padEnd(18);
  const words = fit(said.text, Math.max(10, width - clock.length - subject.length - 4));
  return `${style.faint(clock)}  ${style.strong(subject)}  ${said.tone === 'plain' ? words : style[said.tone](words)}`;
}
