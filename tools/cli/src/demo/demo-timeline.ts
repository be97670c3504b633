import type { Company } from '@agentcompany/orchestrator';
import type { EnvelopeType } from '@agentcompany/protocol';
import { fit } from '../terminal/clean-text.ts';
import type { Style } from '../terminal/style.ts';

type Entry = ReturnType<Company['timeline']> extends AsyncIterable<infer Item> ? Item : never;
type Payload = Readonly<Record<string, unknown>>;
type Tone = 'good' | 'bad' | 'attention' | 'plain';

/** One event of the run as a person reads it; `at` in milliseconds since the instruction was given. */
export interface DemoEvent {
  readonly at: number;
  readonly slot: string | null;
  readonly task: string | null;
  readonly text: string;
  readonly tone: Tone;
}

const record = (value: unknown): Payload => (typeof value === 'object' && value !== null ? (value as Payload) : {});
const text = (payload: Payload, field: string): string => {
  const value = payload[field];
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
};
const items = (payload: Payload, field: string): readonly unknown[] =>
  Array.isArray(payload[field]) ? payload[field] : [];

type Said = readonly [tone: Tone, text: string] | null;

/** What a red check said of the reason: the message of the last error it printed, else nothing. */
function reasonIn(output: string): string | null {
  return [...output.matchAll(/^\s*[\w ]*Error[^:\n]*: (.+)$/gm)].at(-1)?.[1] ?? null;
}

function failed(payload: Payload): Said {
  const check = items(payload, 'verify')
    .map(record)
    .find((report) => report['exit_code'] !== 0);
  if (check === undefined) return ['bad', `failed: ${text(record(payload['error']), 'code')}`];
  return ['bad', `check red: ${reasonIn(text(check, 'output')) ?? text(check, 'command')}`];
}

function effectEnded(payload: Payload): Said {
  const error = record(payload['error']);
  if ('code' in error) return ['bad', `${text(payload, 'kind').replaceAll('_', ' ')} failed: ${text(error, 'code')}`];
  const outcome = record(payload['outcome']);
  if (text(outcome, 'kind') === 'push') return ['good', `pushed ${text(outcome, 'branch')}`];
  return text(outcome, 'kind') === 'pull_request'
    ? ['good', `pull request #${text(record(outcome['pull_request']), 'number')} opened`]
    : null;
}

function revised(payload: Payload): Said {
  const successors = items(payload, 'supersede').map((pair) => text(record(pair), 'by'));
  return [
    'attention',
    successors.length > 0 ? `again as ${successors.join(', ')}` : `plan changed: ${text(payload, 'reason')}`,
  ];
}

function sentBack(feedback: Payload): string {
  const reason = text(feedback, 'reason');
  return reason === 'quality_failed'
    ? 'sent back with what the check said'
    : `sent back: ${reason.replaceAll('_', ' ')}`;
}

function stateChanged(payload: Payload): Said {
  const error = record(payload['error']);
  return 'code' in error ? ['bad', `${text(payload, 'to').replaceAll('_', ' ')}: ${text(error, 'code')}`] : null;
}

/** What is worth a line; everything else is machinery. */
const sayings: Partial<Record<EnvelopeType, (payload: Payload) => Said>> = {
  task_submit: () => ['plain', 'instruction accepted'],
  task_plan: (payload) => [
    'plain',
    `plan of ${items(record(payload['plan']), 'tasks').length} tasks${'planning' in payload ? ' by the Manager’s model' : ''}`,
  ],
  plan_revision: revised,
  attempt_started: (payload) => [
    'plain',
    payload['round'] === 1 ? 'container starts' : `container starts, round ${text(payload, 'round')}`,
  ],
  attempt_lost: (payload) => ['attention', `attempt lost: ${text(record(payload['error']), 'code')}`],
  task_complete: () => ['plain', 'delivered, its checks are green'],
  task_failed: failed,
  task_retry: (payload) => ['attention', sentBack(record(payload['feedback']))],
  task_state: stateChanged,
  review_response: (payload) => [
    text(payload, 'verdict') === 'approve' ? 'good' : 'attention',
    `review${text(payload, 'reviewer').startsWith('model:') ? ' by a model' : ''}: ${text(payload, 'verdict').replaceAll('_', ' ')}`,
  ],
  merge_complete: (payload) =>
    text(payload, 'outcome') === 'merged'
      ? ['good', 'merged']
      : ['attention', `conflict in ${items(payload, 'conflicts').map(String).join(', ')}`],
  verify_result: (payload) => [
    text(payload, 'outcome') === 'green' ? 'good' : 'bad',
    `joined result is ${text(payload, 'outcome')}`,
  ],
  effect_result: effectEnded,
  run_state: (payload) => [
    text(payload, 'to') === 'published' ? 'good' : 'plain',
    `run is ${text(payload, 'to').replaceAll('_', ' ')}`,
  ],
  run_failed: (payload) => ['bad', `failed: ${text(record(payload['error']), 'code')}`],
};

/** Turns ledger entries into events: remembers when the run began and which slot each attempt has. */
export class DemoTimeline {
  readonly events: DemoEvent[] = [];
  readonly #slots = new Map<string, string>();
  #begun: number | null = null;

  /** The event of an entry, kept in `events`; null for machinery. Give entries in the order of the stream. */
  add({ envelope }: Entry): DemoEvent | null {
    const { context, payload } = envelope;
    const created = Date.parse(envelope.created_at);
    this.#begun ??= created;
    const attempt = context.attempt_id ?? text(payload, 'attempt_id');
    if (envelope.envelope_type === 'attempt_started') this.#slots.set(attempt, text(payload, 'slot'));
    const said = sayings[envelope.envelope_type]?.(payload) ?? null;
    if (said === null) return null;
    const [tone, words] = said;
    const event = {
      at: created - this.#begun,
      slot: this.#slots.get(attempt) ?? null,
      task: context.task_id ?? null,
      text: words,
      tone,
    };
    this.events.push(event);
    return event;
  }
}

/** Offset, slot, task, event, at most `width` characters. */
export function timelineText(event: DemoEvent, style: Style, width: number): string {
  const offset = `+${(event.at / 1000).toFixed(1)}s`.padStart(7);
  const slot = fit(event.slot ?? '', 10).padEnd(10);
  const task = fit(event.task ?? 'run', 19).padEnd(19);
  const words = fit(event.text, Math.max(20, width - offset.length - slot.length - task.length - 6));
  return `${style.faint(offset)}  ${style.faint(slot)}  ${style.strong(task)}  ${event.tone === 'plain' ? words : style[event.tone](words)}`;
}
