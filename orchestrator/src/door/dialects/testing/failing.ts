import type { AppError } from '@agentcompany/protocol';
import type { ModelEvent } from '../../../models/model.ts';

/** A failed call as the attempt's models tell it. Its words name what a worker must not learn. */
export function failing(code: string, retry: AppError['retry'], retryAfterMs: number | null = null): ModelEvent {
  const error = { code, message: 'secret-host said no', cause: 'secret-cause', remedy: 'set SECRET_KEY', retry };
  return { type: 'failed', error, retryAfterMs };
}
