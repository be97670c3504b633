import type { AppError, Envelope, EnvelopeType, Plan, RunSettings, Task } from '@agentcompany/protocol';
import { openRun } from '../fold.ts';
import type { Run } from '../records.ts';

export const runId = '0198c5a0-0000-7000-8000-00000000beef';
const noon = '2026-11-20T12:00:00.000Z';

/** An id that says where it comes from: the nth of its kind. */
export function idOf(number: number): string {
  return `0198c5a0-0000-7000-8000-${number.toString(16).padStart(12, '0')}`;
}

export function task(id: string, more: Partial<Task> = {}): Task {
  return {
    id,
    title: `Task ${id}`,
    instructions: `Do ${id}.`,
    paths: [],
    depends_on: [],
    acceptance: [],
    verify: [],
    agent: 'command',
    run: { command: `make ${id}` },
    allow_empty: false,
    allow_executable: false,
    ...more,
  };
}

/** A plan of tasks by name: `{ a: [], b: ['a'] }` makes b depend on a. */
export function planOf(graph: Readonly<Record<string, readonly string[]>>, more: Partial<Plan> = {}): Plan {
  const tasks = Object.entries(graph).map(([id, dependencies]) => task(id, { depends_on: [...dependencies] }));
  return { version: 1, title: 'A plan', summary: '', verify: ['make test'], tasks, ...more };
}

export function settingsOf(more: Partial<RunSettings> = {}): RunSettings {
  return {
    max_attempts: 3,
    max_review_rounds: 3,
    command_timeout: 300,
    worker_memory_bytes: 2 ** 31,
    worker_cpus: 2,
    on_failure: 'stop',
    approvals: { plan: 'auto', protected_paths: 'person' },
    default_branch: 'main',
    integration_branch: 'main',
    image: null,
    devcontainer: false,
    verify: [],
    agents: [],
    review: 'rules',
    budget_usd: null,
    budget_tokens: null,
    fallback_model: null,
    egress: null,
    max_triages: 0,
    quiet_seconds: 0,
    ...more,
  };
}

export function errorOf(code: string, retry: AppError['retry'] = 'now'): AppError {
  return { code, message: `${code} happened`, cause: null, remedy: 'Mend it.', retry };
}

export interface EnvelopeFields {
  readonly id?: string;
  readonly sender?: string;
  readonly recipient?: string;
  readonly taskId?: string | null;
  readonly attemptId?: string | null;
  readonly inReplyTo?: string | null;
  readonly at?: string;
}

export function envelopeOf(
  type: EnvelopeType,
  payload: Readonly<Record<string, unknown>>,
  fields: EnvelopeFields = {},
): Envelope {
  return {
    version: '1',
    id: fields.id ?? idOf(0xffff),
    sender: fields.sender ?? 'president',
    recipient: fields.recipient ?? 'engine',
    envelope_type: type,
    payload: { ...payload },
    context: {
      run_id: runId,
      ...(fields.taskId === undefined || fields.taskId === null ? {} : { task_id: fields.taskId }),
      ...(fields.attemptId === undefined || fields.attemptId === null ? {} : { attempt_id: fields.attemptId }),
    },
    inReplyTo: fields.inReplyTo ?? null,
    created_at: fields.at ?? noon,
  };
}

export function submission(plan: Plan | null, settings: Partial<RunSettings> = {}): Envelope {
  const payload = { project_id: 'shop', instruction: 'Do it all.', plan, settings: settingsOf(settings) };
  return envelopeOf('task_submit', payload, { id: runId });
}

/** A run as its submission opens it. */
export function openedRun(plan: Plan | null, settings: Partial<RunSettings> = {}): Run {
  const run = openRun(submission(plan, settings));
  if (run === null) throw new Error('the fixture is no valid submission');
  return run;
}
