import type { Envelope, PayloadOf } from '@agentcompany/protocol';
import { afterSeconds } from './decide/time.ts';
import { withPayload } from './fold-payload.ts';
import type { AttemptRecord, Run } from './records.ts';
import { attemptEnds } from './states.ts';

/** What is known of an attempt that shows no progress; null fields: it was not asked, or has not answered. */
export interface WatchRecord {
  /** Requests so far, and the number of the last one answered. */
  asked: number;
  answered: number;
  /** As the last answer has them. */
  steps: number | null;
  status: string;
  /** Until when what it does may take without a sign; ISO 8601. */
  allowedUntil: string | null;
  /** Two answers running tell of the same step, and it has no more time for it. */
  isStuck: boolean;
}

export const unwatched: WatchRecord = {
  asked: 0,
  answered: 0,
  steps: null,
  status: '',
  allowedUntil: null,
  isStuck: false,
};

/** Questions to workers that show no progress, and what their hosts say. Undefined for other envelope types. */
export function foldWatch(run: Run, envelope: Envelope): boolean | undefined {
  switch (envelope.envelope_type) {
    case 'status_request':
      return withPayload('status_request', envelope, ({ attempt_id: id, number }) => {
        const attempt = run.attempts.get(id);
        if (attempt === undefined || attemptEnds.has(attempt.state) || number !== attempt.watch.asked + 1) return false;
        attempt.watch.asked = number;
        return true;
      });
    case 'status_response':
      return withPayload('status_response', envelope, (payload) => {
        const attempt = run.attempts.get(payload.attempt_id);
        return attempt !== undefined && takeStatus(run, attempt, envelope.created_at, payload);
      });
    default:
      return undefined;
  }
}

/** An answer counts once, and only to the last question. */
function takeStatus(run: Run, attempt: AttemptRecord, at: string, payload: PayloadOf<'status_response'>): boolean {
  const { watch } = attempt;
  if (attemptEnds.has(attempt.state) || payload.number !== watch.asked || watch.answered >= payload.number)
    return false;
  const { steps, allowed_seconds: allowed } = payload;
  watch.isStuck = watch.steps === steps && allowed === 0;
  watch.answered = payload.number;
  watch.steps = steps;
  watch.status = payload.status;
  watch.allowedUntil = afterSeconds(at, allowed);
  run.agenda.add(attempt.taskId);
  return true;
}
