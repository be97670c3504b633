import { failure, success, type Result } from '@agentcompany/protocol';
import { remainingOf } from '../company/budget.ts';
import { modelErrors } from '../models/errors.ts';
import type { Amount, Purse, Reservation } from '../models/purse.ts';
import type { RunFolds } from './run-folds.ts';

/**
 * The purse of one piece of work of the agents on the host, planning or judging: its calls come on record with the work, so it takes no
 * slices. It spends what no attempt holds. Errors of `reserve`: `AC_BUDGET_…`, those of the bus.
 */
export function openRunPurse(folds: Pick<RunFolds, 'refresh'>, runId: string): Purse {
  const underWay = new Set<Amount>();
  let spent: readonly Amount[] = [];
  const reserve: Purse['reserve'] = async (bound, called) => {
    // Counted before anything is waited for: requests at the same time see each other.
    underWay.add(bound);
    const allowed = await allow(folds, runId, [...spent, ...underWay], called?.model ?? 'unknown');
    if (!allowed.ok) {
      underWay.delete(bound);
      return allowed;
    }
    return success<Reservation>({
      settle: (cost) => {
        if (underWay.delete(bound)) spent = [...spent, cost];
      },
    });
  };
  // Each amount is a member of the set by its identity.
  return { reserve: (bound, called) => reserve({ ...bound }, called) };
}

async function allow(
  folds: Pick<RunFolds, 'refresh'>,
  runId: string,
  amounts: readonly Amount[],
  model: string,
): Promise<Result<undefined>> {
  const run = await folds.refresh(runId);
  if (!run.ok) return run;
  if (run.value === null) return failure(modelErrors.AC_MODEL_ABORTED());
  const left = remainingOf(run.value);
  if (left.usd !== null && left.tokens === null && amounts.some(({ usd }) => usd === null))
    return failure(modelErrors.AC_BUDGET_UNPRICED({ run: runId, model }));
  const sum = (part: (amount: Amount) => number): number => amounts.reduce((total, amount) => total + part(amount), 0);
  const isDear = left.usd !== null && sum(({ usd }) => usd ?? 0) > left.usd;
  const isLong = left.tokens !== null && sum(({ tokens }) => tokens) > left.tokens;
  if (!isDear && !isLong) return success();
  const words = isDear ? `$${Math.max(0, left.usd ?? 0).toFixed(4)}` : `${left.tokens ?? 0} tokens`;
  return failure(
    run.value.plan === null
      ? modelErrors.AC_BUDGET_TOO_SMALL({ run: runId, left: words })
      : modelErrors.AC_BUDGET_SPENT({ run: runId, left: words }),
  );
}
