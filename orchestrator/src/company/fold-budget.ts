import type { Envelope, ModelCall, PayloadOf } from '@agentcompany/protocol';
import { withPayload } from './fold-payload.ts';
import type { Limits, Run, TaskRecord } from './records.ts';
import { attemptEnds } from './states.ts';
import { joinAccounts, sumCalls } from './sum-calls.ts';

/** Slices of the run's budget and what came of them: records that move no state. Undefined for other envelope types. */
export function foldBudget(run: Run, envelope: Envelope): boolean | undefined {
  switch (envelope.envelope_type) {
    case 'budget_grant':
      return withPayload('budget_grant', envelope, (payload) => grant(run, payload));
    case 'budget_settle':
      return withPayload('budget_settle', envelope, (payload) => settle(run, payload));
    default:
      return undefined;
  }
}

/** Only an attempt that is under way and has not settled gets a slice; slices add up, and what was unlimited stays so. */
function grant(run: Run, { attempt_id: id, work, usd, tokens }: PayloadOf<'budget_grant'>): boolean {
  if (work !== undefined) return setAside(run, id, work, { usd, tokens });
  const attempt = run.attempts.get(id);
  if (attempt === undefined || attemptEnds.has(attempt.state) || attempt.account !== null) return false;
  const before: Limits = attempt.granted ?? { usd: 0, tokens: 0 };
  attempt.granted = { usd: sum(before.usd, usd), tokens: sum(before.tokens, tokens) };
  attempt.grants += 1;
  return true;
}

function setAside(run: Run, id: string, work: string, slice: Limits): boolean {
  if (run.attempts.has(id) || run.reservations.has(id)) return false;
  run.reservations.set(id, slice);
  run.settlingWorks.add(work);
  return true;
}

function sum(one: number | null, other: number | null): number | null {
  return one === null || other === null ? null : one + other;
}

/** An attempt, like a request, settles once: what a host that was cut off says later changes nothing. */
function settle(run: Run, { attempt_id: id, account }: PayloadOf<'budget_settle'>): boolean {
  if (run.reservations.delete(id)) {
    run.spent = joinAccounts(run.spent, account);
    return true;
  }
  const attempt = run.attempts.get(id);
  if (attempt === undefined || attempt.account !== null) return false;
  attempt.account = account;
  run.spent = joinAccounts(run.spent, account);
  return true;
}

/** What models took for the run beside its attempts: planning, judging. Work whose requests settle by themselves is counted there. */
export function noteCalls(run: Run, work: string, calls: readonly ModelCall[] = []): void {
  if (calls.length > 0 && !run.settlingWorks.has(work)) run.spent = joinAccounts(run.spent, sumCalls(calls));
}

/** A person puts more in, or less: what is given counts from here on. False where nothing is. */
export function raiseBudget(run: Run, payload: PayloadOf<'run_resume'>): boolean {
  const { budget_usd: usd, budget_tokens: tokens } = payload;
  run.budget = { usd: usd ?? run.budget.usd, tokens: tokens ?? run.budget.tokens };
  return usd !== undefined || tokens !== undefined;
}

/** A task's own budget is for its attempts since a person last asked for another try. */
export function forgiveSpending(run: Run, task: TaskRecord): void {
  for (const attempt of run.attempts.values()) if (attempt.taskId === task.spec.id) attempt.forgiven = true;
}
