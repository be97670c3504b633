import { success, type ModelAccount, type Result } from '@agentcompany/protocol';
import { wholeOfGrants } from '../company/budget.ts';
import { record, type Draft } from '../company/decide/draft.ts';
import type { AttemptRecord, Run } from '../company/records.ts';
import { attemptEnds } from '../company/states.ts';
import type { HostParts } from './host-parts.ts';
import { mint } from './mint.ts';
import { lentSpendingFile, spendingFile } from './run-files.ts';
import { readSpending } from './spending-journal.ts';

/** The account of an attempt, for the step that ends it. */
export function settlement(taskId: string, attemptId: string, account: ModelAccount): Draft {
  return record('budget_settle', { attempt_id: attemptId, account }, { taskId, attemptId });
}

/**
 * How an attempt whose host died settles (DESIGN §5): as its journal says where that is on this machine, or was kept here for it, else with the whole of
 * its slices. None where nothing is known to have been spent, or it has settled.
 */
export async function settlementOfDead(
  { folders }: Pick<HostParts, 'folders'>,
  run: Run,
  attempt: AttemptRecord,
): Promise<readonly Draft[]> {
  if (attempt.account !== null) return [];
  const files = [spendingFile(folders, run.id, attempt.id), lentSpendingFile(folders, run.id, attempt.id)];
  const [own, lent] = await Promise.all(files.map(readSpending));
  const account = own ?? lent ?? wholeOfGrants(attempt);
  return account === null ? [] : [settlement(attempt.taskId, attempt.id, account)];
}

/**
 * Settles what was at work on this machine when its host died: at a start none of it is alive, and what the slices have left is free
 * before anybody takes the work up again. Attempts of other machines have no journal here.
 */
export async function settleJournalled(
  { bus, folders }: Pick<HostParts, 'bus' | 'folders'>,
  run: Run,
): Promise<Result<undefined>> {
  // The company's own agents work in the engine alone: their requests died with it, and have come to their most.
  for (const [id, granted] of run.reservations) {
    const account = wholeOfGrants({ account: null, granted }) ?? [];
    const origin = { sender: 'engine', runId: run.id, cause: `${id} settled`, inReplyTo: null };
    const sent = await bus.send(await mint([record('budget_settle', { attempt_id: id, account })], origin));
    // It was settled while this engine looked on: both say the same id, and the first stands.
    if (!sent.ok && sent.error.code !== 'AC_BUS_ID_CONFLICT') return sent;
  }
  const open = [...run.attempts.values()].filter(({ account, state }) => account === null && !attemptEnds.has(state));
  for (const { id, taskId } of open) {
    const account = await readSpending(spendingFile(folders, run.id, id));
    if (account === null) continue;
    const origin = { sender: 'workers', runId: run.id, cause: `${id} settled`, inReplyTo: null };
    const sent = await bus.send(await mint([settlement(taskId, id, account)], origin));
    if (!sent.ok) return sent;
  }
  return success();
}
