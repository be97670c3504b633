import type { Feedback } from '@agentcompany/protocol';

/** Whether a round is asked for because the one before failed, as opposed to somebody's wish. */
export function isFailure(feedback: Feedback | null): boolean {
  return feedback?.reason === 'failed' || feedback?.reason === 'quality_failed';
}
