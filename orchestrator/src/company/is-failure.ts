import type { Feedback } from '@agentcompany/protocol';

const failures: ReadonlySet<Feedback['reason']> = new Set(['failed', 'quality_failed', 'triage']);

/** Whether a round is asked for because the one before failed, as opposed to somebody's wish; the Manager's advice does not make it one. */
export function isFailure(feedback: Feedback | null): boolean {
  return feedback !== null && failures.has(feedback.reason);
}
