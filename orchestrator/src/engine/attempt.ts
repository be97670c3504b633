import type { Delivery } from '@agentcompany/agent-bus';
import { success, type PayloadOf, type Result } from '@agentcompany/protocol';
import { message, record, type Draft } from '../company/decide/draft.ts';
import { quietTimer } from '../company/decide/quiet.ts';
import type { Run } from '../company/records.ts';
import { afterSeconds } from '../company/decide/time.ts';
import { engineErrors } from './errors.ts';
import type { HostParts } from './host-parts.ts';
import { mint } from './mint.ts';
import { settlementOfDead } from './settlement.ts';

/** One try of a task by this host. */
export interface Attempt {
  readonly id: string;
  readonly epoch: number;
  readonly baseOid: string;
  readonly slot: string;
  readonly assignment: PayloadOf<'task_assign'>;
  /** What goes on record of its image; absent: nothing. */
  readonly image?: NonNullable<PayloadOf<'attempt_started'>['image']>;
}

/** The ref a worker's bundle must carry, and no other. */
export function resultReference(attemptId: string): string {
  return `refs/agentcompany/results/${attemptId}`;
}

export function containerKey(attemptId: string): string {
  return `attempt/${attemptId}/container`;
}

/** Whether the run still waits for what this assignment asks. */
export function isWanted(run: Run, taskId: string, assignmentId: string): boolean {
  const task = run.tasks.get(taskId);
  return task?.assignmentId === assignmentId && (task.state === 'assigned' || task.state === 'running');
}

/**
 * Puts the attempt on record, an earlier one of a host that died or was cut off as lost, before any container exists. It is decided
 * like everything on the run as it stands: hosts that were away for a while cannot both begin. False where nobody waits for the work.
 */
export async function beginAttempt(
  parts: HostParts,
  runId: string,
  attempt: Attempt,
  { envelope }: Delivery,
): Promise<Result<boolean>> {
  for (;;) {
    const refreshed = await parts.folds.refresh(runId);
    if (!refreshed.ok) return refreshed;
    const run = refreshed.value;
    if (run === null) return success(false);
    if (run.attempts.has(attempt.id)) return success(true);
    if (!isWanted(run, attempt.assignment.task.id, envelope.id)) return success(false);
    const version = run.version;
    const drafts = await beginning(parts, run, attempt);
    const items = await mint(drafts, { sender: 'workers', runId, cause: attempt.id, inReplyTo: envelope.id });
    const sent = await parts.bus.send(items, { expect: { stream: runId, version } });
    if (!sent.ok && sent.error.code !== 'AC_BUS_CONFLICT') return sent;
  }
}

async function beginning(
  parts: Pick<HostParts, 'folders' | 'hostId'>,
  run: Run,
  attempt: Attempt,
): Promise<readonly Draft[]> {
  const taskId = attempt.assignment.task.id;
  const about = { taskId, attemptId: attempt.id };
  const task = run.tasks.get(taskId);
  const previous = task?.state === 'running' ? run.attempts.get(task.attemptId ?? '') : undefined;
  const drafts: Draft[] = [];
  if (previous !== undefined) {
    const error = engineErrors.AC_HOST_DIED({ attempt: previous.id });
    const lost = { attempt_id: previous.id, epoch: previous.epoch, error };
    // To the engine too: where the task is being cancelled, this is what the cancellation waits for.
    drafts.push(
      message('attempt_lost', 'engine', lost, { taskId, attemptId: previous.id }),
      ...(await settlementOfDead(parts, run, previous)),
    );
  }
  const started = {
    attempt_id: attempt.id,
    round: attempt.assignment.round,
    epoch: attempt.epoch,
    host_id: parts.hostId,
    slot: attempt.slot,
    base_oid: attempt.baseOid,
    ...(attempt.image === undefined ? {} : { image: attempt.image }),
  };
  const container = { kind: 'container', key: containerKey(attempt.id), attempt_id: attempt.id } as const;
  drafts.push(record('attempt_started', started, about), record('effect_request', { effect: container }, about));
  const { quiet_seconds: seconds } = run.settings;
  if (seconds > 0) drafts.push(quietTimer({ id: attempt.id, taskId }, afterSeconds(new Date().toISOString(), seconds)));
  return drafts;
}
