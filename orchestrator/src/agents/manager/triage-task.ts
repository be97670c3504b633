import {
  parsePayload,
  success,
  type AppError,
  type Envelope,
  type ModelCall,
  type Result,
} from '@agentcompany/protocol';
import { message, type Draft } from '../../company/decide/draft.ts';
import type { Run } from '../../company/records.ts';
import type { CallRecord } from '../../models/model.ts';
import { triageStaff, type TriageCalling, type TriageDecision, type Triager } from './triage-with-model.ts';

export interface TriageParts extends TriageCalling {
  /** Null where the company has no minds at all. */
  readonly triage: Triager | null;
  /** What may pass will not be tried again. */
  readonly isLastTry: boolean;
}

/**
 * Answers a `triage_request` by the Manager's model. What kept it from deciding and may pass is left to be asked again; what will not is a
 * decision for a person: nobody's guess takes the place of one.
 */
export async function triageTask(
  run: Run,
  { envelope, parts }: { envelope: Envelope; parts: TriageParts },
): Promise<Result<readonly Draft[]>> {
  const request = parsePayload('triage_request', envelope.payload);
  if (!request.ok) return request;
  const { attempt_id: attemptId } = request.value;
  const task = run.tasks.get(envelope.context.task_id ?? '');
  const attempt = run.attempts.get(attemptId);
  const asked = task?.triage ?? null;
  if (task === undefined || attempt === undefined || asked?.attemptId !== attemptId || asked.answer !== null)
    return success([]);
  const calls: ModelCall[] = [];
  const keep = (call: CallRecord): void => void calls.push({ ...call, usage: { ...call.usage } });
  const onCall = (call: CallRecord): void => {
    keep(call);
    parts.onCall(call);
  };
  const { agents, manager } = triageStaff(run);
  const calling = { signal: parts.signal, onCall, onAgain: keep };
  const decided =
    parts.triage === null
      ? success(nobody('no model is configured'))
      : await parts.triage({ run, task, attempt, agents }, manager, calling);
  // A call that was called off is one the engine stopped: whoever goes on asks again.
  if (!decided.ok && (parts.signal.aborted || (decided.error.retry !== 'never' && !parts.isLastTry))) return decided;
  const decision = decided.ok ? decided.value : nobody(wordsOf(decided.error));
  const payload = { attempt_id: attemptId, ...decision, ...(calls.length === 0 ? {} : { calls }) };
  return success([message('triage_response', 'engine', payload, { taskId: task.spec.id, attemptId })]);
}

function nobody(problem: string): TriageDecision {
  const reason = `The Manager could not decide: ${problem}`;
  return { decision: 'person', reason, advice: '', revision: null, manager: 'nobody' };
}

function wordsOf({ code, message: text }: AppError): string {
  return `${code}: ${text}`.slice(0, 900);
}
