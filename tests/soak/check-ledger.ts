import type { AgentBus, StreamEntry } from '@agentcompany/agent-bus';
import { unwrap } from '@agentcompany/protocol';
import { fold, openRun } from '../../orchestrator/src/company/fold.ts';
import type { Run } from '../../orchestrator/src/company/records.ts';
import type { Happening } from './pretended-outside.ts';

/** What must hold of a run that ended, however often its engine was killed (S65, S82). Returns what does not. */
export async function problemsOfRun(
  bus: AgentBus,
  runId: string,
  happenings: readonly Happening[],
): Promise<readonly string[]> {
  const entries = unwrap(await bus.readStream(runId, { after: 0 }));
  const [first, ...rest] = entries;
  const run = first === undefined ? null : openRun(first.envelope);
  if (run === null) return [`run ${runId} is gone`];
  for (const { seq, envelope } of rest) fold(run, seq, envelope);
  return [...orderProblems(entries), ...stateProblems(run), ...outsideProblems(run, happenings)].map(
    (problem) => `run ${runId}: ${problem}`,
  );
}

function orderProblems(entries: readonly StreamEntry[]): readonly string[] {
  const problems: string[] = [];
  const ids = new Set(entries.map(({ envelope }) => envelope.id));
  if (ids.size !== entries.length) problems.push('an envelope stands in its stream twice');
  entries.forEach(({ seq, position }, index) => {
    if (seq !== index + 1) problems.push(`entry ${index + 1} has seq ${seq}`);
    if (position <= (entries[index - 1]?.position ?? 0)) problems.push(`position ${position} is out of order`);
  });
  return problems;
}

/** One end for the run and each task, each attempt ended, and no epoch used twice for one assignment. */
function stateProblems(run: Run): readonly string[] {
  const problems: string[] = [];
  if (run.state !== 'published' && run.state !== 'completed') problems.push(`it is ${run.state}`);
  for (const [id, { state, supersededBy }] of run.tasks) {
    if (state !== 'merged' && supersededBy === null) problems.push(`task ${id} is ${state}`);
  }
  const taken = new Set<string>();
  for (const attempt of run.attempts.values()) {
    if (!['ingested', 'rejected', 'lost'].includes(attempt.state))
      problems.push(`attempt ${attempt.id} is still ${attempt.state}`);
    const lease = `${attempt.assignmentId} in epoch ${attempt.epoch}`;
    if (taken.has(lease)) problems.push(`two attempts carried out ${lease}`);
    taken.add(lease);
  }
  return problems;
}

/** Each effect once: what is merged in the ledger is merged outside, and nothing else is. */
function outsideProblems(run: Run, happenings: readonly Happening[]): readonly string[] {
  const problems: string[] = [];
  const count = (kind: Happening['kind'], key: string): number =>
    happenings.filter((happening) => happening.kind === kind && happening.key === key).length;
  const expectOnce = (kind: Happening['kind'], key: string): void => {
    if (count(kind, key) !== 1) problems.push(`${kind} of ${key} happened ${count(kind, key)} times`);
  };
  for (const attempt of run.attempts.values()) if (attempt.state === 'ingested') expectOnce('ingest', attempt.id);
  for (const task of run.tasks.values()) if (task.state === 'merged') expectOnce('merge', task.attemptId ?? '');
  expectOnce('push', `${run.id}-${run.tipOid}`);
  expectOnce('pull_request', `run-${run.id}-pull_request`);
  return problems;
}
