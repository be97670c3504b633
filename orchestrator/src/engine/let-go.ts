import type { Delivery } from '@agentcompany/agent-bus';
import type { Result } from '@agentcompany/protocol';
import { message } from '../company/decide/draft.ts';
import type { Run } from '../company/records.ts';
import { attemptEnds } from '../company/states.ts';
import { engineErrors } from './errors.ts';
import type { HostParts } from './host-parts.ts';
import { mint } from './mint.ts';
import { settlementOfDead } from './settlement.ts';

/**
 * Ends work that is being cancelled, with its run or by a change of the plan. An attempt still on record belongs to a host that died, else its work would not have
 * come here: nobody but us can say that it is lost, and the cancellation waits for that.
 */
export async function letGo(
  parts: Pick<HostParts, 'bus' | 'folders'>,
  run: Run,
  delivery: Delivery,
): Promise<Result<unknown>> {
  const { envelope } = delivery;
  const task = run.tasks.get(envelope.context.task_id ?? '');
  const attempt = run.attempts.get(task?.attemptId ?? '');
  if (task?.assignmentId !== envelope.id || attempt === undefined || attemptEnds.has(attempt.state))
    return parts.bus.complete(delivery, []);
  const error = engineErrors.AC_HOST_DIED({ attempt: attempt.id });
  const lost = { attempt_id: attempt.id, epoch: attempt.epoch, error };
  const draft = message('attempt_lost', 'engine', lost, { taskId: task.spec.id, attemptId: attempt.id });
  const items = await mint([draft, ...(await settlementOfDead(parts, run, attempt))], {
    sender: 'workers',
    runId: run.id,
    cause: `${attempt.id} let go`,
    inReplyTo: envelope.id,
  });
  return parts.bus.complete(delivery, items);
}
