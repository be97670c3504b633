import { success, type Result } from '@agentcompany/protocol';
import { holdsCommit, readCommits, readReference, type BareRepository } from './bare-repository.ts';
import { runReference, supersededReference } from './reference-policy.ts';
import type { LedgerTip } from './repositories.ts';
import { updateReference } from './update-reference.ts';

/**
 * Sets the run's branch back to where the ledger knows it (S84): a ledger that was restored from a copy knows nothing of later
 * merges. Steps beyond it are left alone where the ledger waits for just those: a crash came between the merges and their records.
 * What is left behind keeps a reference: a push may find it on the remote.
 */
export async function followLedger(
  mirror: BareRepository,
  { runId, tip, expected }: LedgerTip,
): Promise<Result<undefined>> {
  const reference = runReference(runId);
  if (!reference.ok) return reference;
  const found = await readReference(mirror, reference.value);
  if (!found.ok) return found;
  if (found.value === tip) return success();
  const held = tip === null ? success(true) : await holdsCommit(mirror, tip);
  // A mirror that lost the commit is not mended by moving a reference: whoever needs it says so.
  if (!held.ok || !held.value) return held.ok ? success() : held;
  if (found.value !== null) {
    const next = tip === null ? success(false) : await isExpected(mirror, found.value, tip, expected);
    if (!next.ok || next.value) return next.ok ? success() : next;
    const left = await leaveBehind(mirror, runId, found.value);
    if (!left.ok) return left;
  }
  return updateReference(mirror, { reference: reference.value, next: tip, previous: found.value });
}

/** Whether `found` stands on `tip` by merges of expected commits alone (`any`: by one merge of whatever the base branch had). */
async function isExpected(
  mirror: BareRepository,
  found: string,
  tip: string,
  expected: LedgerTip['expected'],
): Promise<Result<boolean>> {
  let current = found;
  for (const left = new Set(expected === 'any' ? [] : expected); ;) {
    const facts = await readCommits(mirror, [current]);
    if (!facts.ok) return facts;
    const [before, brought = ''] = facts.value.get(current)?.parents ?? [];
    if (before === undefined || (expected !== 'any' && !left.delete(brought))) return success(false);
    if (before === tip || expected === 'any') return success(before === tip);
    current = before;
  }
}

async function leaveBehind(mirror: BareRepository, runId: string, oid: string): Promise<Result<undefined>> {
  const reference = supersededReference(runId, oid);
  if (!reference.ok) return reference;
  const present = await readReference(mirror, reference.value);
  if (!present.ok || present.value !== null) return present.ok ? success() : present;
  return updateReference(mirror, { reference: reference.value, next: oid, previous: null });
}

/** Whether `oid` was once pushed or merged for this run and left behind when its ledger was restored. */
export async function isLeftBehind(mirror: BareRepository, runId: string, oid: string): Promise<Result<boolean>> {
  const listed = await mirror.run({
    arguments: ['for-each-ref', '--format=%(objectname)', '--contains', oid, `refs/agentcompany/superseded/${runId}`],
    silent: true,
    gitDir: mirror.folder,
  });
  return listed.ok ? success(listed.value.stdout.length > 0) : listed;
}
