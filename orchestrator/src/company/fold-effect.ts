import type { Envelope, PayloadOf } from '@agentcompany/protocol';
import { withPayload } from './fold-payload.ts';
import { moveAttempt } from './moves.ts';
import type { EffectRecord, Run } from './records.ts';

/** Effects asked for and done; other machinery is history only. Undefined for other envelope types. */
export function foldEffect(run: Run, envelope: Envelope): boolean | undefined {
  switch (envelope.envelope_type) {
    case 'effect_request':
      return withPayload('effect_request', envelope, (payload) => requestEffect(run, envelope, payload));
    case 'effect_result':
      return withPayload('effect_result', envelope, (payload) => finishEffect(run, envelope, payload));
    default:
      return undefined;
  }
}

function requestEffect(run: Run, envelope: Envelope, { effect }: PayloadOf<'effect_request'>): boolean {
  if (effect.kind === 'container') {
    const attempt = run.attempts.get(effect.attempt_id);
    if (attempt === undefined || !moveAttempt(attempt, 'effect_request', envelope.created_at)) return false;
  }
  if (run.effects.has(effect.key)) return false;
  if (effect.kind === 'integrate') run.integrations += 1;
  run.effects.set(effect.key, { effect, outcome: null, error: null, done: false });
  return true;
}

function finishEffect(run: Run, envelope: Envelope, payload: PayloadOf<'effect_result'>): boolean {
  const record = run.effects.get(payload.key);
  if (record === undefined || record.done || !answers(record, payload)) return false;
  record.done = true;
  record.outcome = payload.outcome;
  record.error = payload.error;
  switch (record.effect.kind) {
    case 'container':
      return finishContainer(run, envelope, record, record.effect.attempt_id);
    case 'ingest':
      return finishIngest(run, envelope, record, record.effect.attempt_id);
    case 'integrate':
      return finishIntegration(run, record);
    case 'pull_request':
      if (record.outcome?.kind === 'pull_request') run.pullRequest = record.outcome.pull_request;
      return true;
    case 'push':
    case 'verify':
      return true;
  }
}

/** Exactly one of outcome and error, and an outcome of the kind that was asked for, where that kind has any. */
function answers({ effect }: EffectRecord, { outcome, error }: PayloadOf<'effect_result'>): boolean {
  return outcome === null ? error !== null : error === null && outcome.kind === effect.kind;
}

function finishContainer(run: Run, envelope: Envelope, record: EffectRecord, attemptId: string): boolean {
  const attempt = run.attempts.get(attemptId);
  if (attempt === undefined || record.outcome?.kind !== 'container') return false;
  return moveAttempt(attempt, 'effect_result', envelope.created_at);
}

function finishIngest(run: Run, envelope: Envelope, record: EffectRecord, attemptId: string): boolean {
  const attempt = run.attempts.get(attemptId);
  if (attempt === undefined) return false;
  run.agenda.add(attempt.taskId);
  attempt.error = record.error;
  if (record.outcome?.kind === 'ingest') attempt.ingested = record.outcome.ingested;
  return moveAttempt(attempt, 'effect_result', envelope.created_at, record.error === null ? 'ingested' : 'rejected');
}

function finishIntegration(run: Run, record: EffectRecord): boolean {
  const outcome = record.outcome;
  if (outcome?.kind !== 'integrate' || outcome.outcome !== 'merged' || outcome.tip_after === run.tipOid) return true;
  run.tipOid = outcome.tip_after;
  run.baseMoves += 1;
  run.merges.push({ taskId: null, tip: outcome.tip_after });
  return true;
}
