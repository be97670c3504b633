import type { ModelAccount } from '@agentcompany/protocol';
import type { AttemptRecord, Limits, Run } from './records.ts';
import { costOfAccount } from './sum-calls.ts';

/** What is free to be granted to an attempt; null: no limit of that kind. */
export interface Remaining {
  readonly run: Limits;
  /** Of the task's own budget, which knows no tokens. */
  readonly taskUsd: number | null;
}

/** What the company's own agents do for a run, by the names under which it is paid and recorded. */
export const planningWork = 'planning';
export function reviewWork(attemptId: string): string {
  return `review/${attemptId}`;
}
export function triageWork(attemptId: string): string {
  return `triage/${attemptId}`;
}

/** What is left of the run's budget (DESIGN §5): the whole, less what is settled, less slices that are out and requests under way. */
export function remainingOf({
  attempts,
  budget,
  reservations,
  spent,
}: Pick<Run, 'attempts' | 'budget' | 'reservations' | 'spent'>): Limits {
  const open = [...attempts.values()].filter(({ account }) => account === null);
  const out = [...open.map(({ granted }) => granted), ...reservations.values()];
  const { usd, tokens } = costOfAccount(spent);
  return {
    usd: budget.usd === null ? null : budget.usd - usd - outOf(out, 'usd'),
    tokens: budget.tokens === null ? null : budget.tokens - tokens - outOf(out, 'tokens'),
  };
}

/** The same for an attempt: of its task's own budget too, which the attempts of the task share. */
export function remainingFor(run: Run, attempt: AttemptRecord): Remaining {
  const left = remainingOf(run);
  const cap = run.tasks.get(attempt.taskId)?.spec.budget_usd;
  if (cap === undefined) return { run: left, taskUsd: null };
  const own = [...run.attempts.values()].filter(({ taskId, forgiven }) => taskId === attempt.taskId && !forgiven);
  const settled = costOfAccount(own.flatMap(({ account }) => account ?? []));
  const open = own.filter(({ account }) => account === null);
  return {
    run: left,
    taskUsd:
      cap -
      settled.usd -
      outOf(
        open.map(({ granted }) => granted),
        'usd',
      ),
  };
}

function outOf(slices: readonly (Limits | null)[], kind: keyof Limits): number {
  return slices.reduce((sum, slice) => sum + (slice?.[kind] ?? 0), 0);
}

/** The account of a dead attempt of which nothing is known but its slices: they count as spent. Null where it had none or has settled. */
export function wholeOfGrants({ account, granted }: Pick<AttemptRecord, 'account' | 'granted'>): ModelAccount | null {
  if (account !== null || granted === null) return null;
  return [estimate({ provider: 'unknown', model: 'unknown' }, { usd: granted.usd, tokens: granted.tokens ?? 0 })];
}

/** A call of which only the sum of its tokens is known, or the most that it may come to. */
export function estimate(
  { provider, model }: { readonly provider: string; readonly model: string },
  { usd, tokens }: { readonly usd: number | null; readonly tokens: number },
): ModelAccount[number] {
  const usage = { input: tokens, output: 0, cache_read: 0, cache_write: 0 };
  return { provider, model, usage, cost_usd: usd, calls: 1, estimated: true };
}
