import type { AppError, Effect, EnvelopeType, PayloadOf } from '@agentcompany/protocol';

/** An envelope the engine is about to send, before it has an id and a time. */
export interface Draft {
  readonly type: EnvelopeType;
  readonly recipient: string;
  /** Null: history only. */
  readonly queue: string | null;
  readonly payload: Readonly<Record<string, unknown>>;
  readonly taskId: string | null;
  readonly attemptId: string | null;
  /** ISO 8601 time before which it is not delivered. */
  readonly notBefore: string | null;
}

interface About {
  readonly taskId?: string;
  readonly attemptId?: string;
}

/** A message to `recipient`'s queue. */
export function message<Type extends EnvelopeType>(
  type: Type,
  recipient: string,
  payload: PayloadOf<Type>,
  about: About = {},
): Draft {
  return {
    type,
    recipient,
    queue: recipient,
    payload,
    taskId: about.taskId ?? null,
    attemptId: about.attemptId ?? null,
    notBefore: null,
  };
}

/** A decision that only goes on record. */
export function record<Type extends EnvelopeType>(type: Type, payload: PayloadOf<Type>, about: About = {}): Draft {
  return { ...message(type, 'engine', payload, about), queue: null };
}

export function runState(to: string, reason: string, error: AppError | null = null): Draft {
  return record('run_state', { to, reason, error });
}

export function taskState(taskId: string, to: string, reason: string, error: AppError | null = null): Draft {
  return record('task_state', { to, reason, error }, { taskId });
}

/** Who carries out which effect. */
const executors: Readonly<Record<Effect['kind'], string>> = {
  container: 'workers',
  verify: 'workers',
  ingest: 'effects',
  push: 'effects',
  pull_request: 'effects',
  integrate: 'merger',
};

export function effectRequest(effect: Effect, about: About = {}): Draft {
  return message('effect_request', executors[effect.kind], { effect }, about);
}
