import { success, type Result } from '@agentcompany/protocol';
import type { Run } from '../company/records.ts';
import { runEnds } from '../company/states.ts';
import type { LedgerTip } from '../git/repositories.ts';
import type { EngineParts } from './parts.ts';

/** Sets the branches of open runs to where their ledger knows them, before anything is built on them (S84). */
export async function followLedgers(parts: EngineParts, open: readonly string[]): Promise<Result<undefined>> {
  for (const id of open) {
    const refreshed = await parts.folds.refresh(id);
    if (!refreshed.ok) return refreshed;
    const run = refreshed.value;
    if (run === null || runEnds.has(run.state)) continue;
    const project = await parts.project(run.projectId);
    // A project that cannot be opened is told of by whoever needs it; its run waits.
    if (!project.ok) continue;
    const followed = await project.value.repositories.followLedger(tipOf(run));
    if (!followed.ok) return followed;
  }
  return success();
}

function tipOf(run: Run): LedgerTip {
  const isTakingBase = [...run.effects.values()].some(({ effect, done }) => effect.kind === 'integrate' && !done);
  const merging = [...run.tasks.values()].filter(({ state }) => state === 'merging');
  const commits = merging.flatMap(({ attemptId }) => run.attempts.get(attemptId ?? '')?.ingested?.commit ?? []);
  return { runId: run.id, tip: run.tipOid, expected: isTakingBase ? 'any' : commits };
}
