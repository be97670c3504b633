import { success, type ModelAccount, type Result } from '@agentcompany/protocol';
import { wholeOfGrants } from '../company/budget.ts';
import { record, type Draft } from '../company/decide/draft.ts';
import type { AttemptRecord, Run } from '../company/records.ts';
import { attemptEnds } from '../company/states.ts';
import type { HostParts } from './host-parts.ts';
import { mint } from './mint.ts';
import { spendingFile } from './run-files.ts';
import { readSpending } from './spending-journal.ts';

/** The account of an attempt, for the step that ends it. */
export function settlement(taskId: string, attemptId: string, account: ModelAccount): Draft {
  return record('budget_settle', { attempt_id: attemptId, account }, { taskId, attemptId });
}

/**
 * How an attempt whose host died settles (DESIGN §5): as its journal says where that is on this machine, else with the whole of
 * its slices. None where nothing is known to have been spent, or it has settled.
 */
export async function settlementOfDead(
  { folders, hostId }: Pick<HostParts, 'folders' | 'hostId'>,
  run: Run,
  attempt: AttemptRecord,
): Promise<readonly Draft[]> {
  if (attempt.account !== null) return [];
  const journal = await readSpending(spendingFile(folders, run.id, attempt.id));
  // This very host makes the journal before the first call: without one there was none.
  const unspent = attempt.hostId === hostId && attempt.granted !== null ? [] : null;
  const account = journal ?? unspent ?? wholeOfGrants(attempt);
  return account === null ? [] : [settlement(attempt.taskId, attempt.id, account)];
}

/**
 * Settles what this host had at work in a run when it died: at its start none of it is alive, and what the slices have left is free
 * before anybody takes the work up again.
 */
export async function settleOwnDead(parts: HostParts, run: Run): Promise<Result<undefined>> {
  const dead = [...run.attempts.values()].filter(
    ({ hostId, state }) => hostId === parts.hostId && !attemptEnds.has(state),
  );
  for (const attempt of dead) {
    const drafts = await settlementOfDead(parts, run, attempt);
    if (drafts.length === 0) continue;
    const cause = `${attempt.id} settled`;
    const sent = await parts.bus.send(await mint(drafts, { sender: 'workers', runId: run.id, cause, inReplyTo: null }));
    if (!sent.ok) return sent;
  }
  return success();
}
