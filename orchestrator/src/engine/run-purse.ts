import { failure, newId, success, type Result } from '@agentcompany/protocol';
import { remainingOf } from '../company/budget.ts';
import { record } from '../company/decide/draft.ts';
import type { Limits, Run } from '../company/records.ts';
import { modelErrors } from '../models/errors.ts';
import type { Amount, Called, Purse, Reservation, Spent } from '../models/purse.ts';
import type { HostParts } from './host-parts.ts';
import { mint } from './mint.ts';
import { decidedAgain } from './slices.ts';

type PurseParts = Pick<HostParts, 'bus' | 'folds' | 'log'>;

/** A request of the company's own agents. */
interface Request {
  readonly id: string;
  readonly runId: string;
  readonly work: string;
  readonly called: Called;
}

/**
 * The purse of one piece of work of the agents on the host, planning or judging. Where the run has a budget, the most that each request may
 * come to is on record before it is made, only while the stream stands where that was decided: so these agents and attempts cannot overspend
 * together. What the request came to is on record after it; one whose engine dies settles at its most. Errors of `reserve`: `AC_BUDGET_…`, those
 * of the bus.
 */
export function openRunPurse(
  parts: PurseParts,
  { run, work = 'other' }: { readonly run: Pick<Run, 'id'>; readonly work?: string },
): Purse {
  return {
    reserve: async (bound, called = { provider: 'unknown', model: 'unknown' }) => {
      const request: Request = { id: newId(), runId: run.id, work, called };
      const isSetAside = await setAside(parts, request, bound);
      if (!isSetAside.ok) return isSetAside;
      let isOpen = isSetAside.value;
      return success<Reservation>({
        settle: (cost) => {
          if (isOpen) void settle(parts, request, cost);
          isOpen = false;
        },
      });
    },
  };
}

/** False where the run has no limit: there is nothing to set aside. */
async function setAside({ bus, folds }: PurseParts, request: Request, bound: Amount): Promise<Result<boolean>> {
  const { id, runId, work, called } = request;
  for (;;) {
    const refreshed = await folds.refresh(runId);
    if (!refreshed.ok) return refreshed;
    const run = refreshed.value;
    if (run === null) return failure(modelErrors.AC_MODEL_ABORTED());
    if (run.reservations.has(id)) return success(true);
    const { version } = run;
    const slice = sliceFor(run, bound, called);
    if (!slice.ok) return slice;
    if (slice.value === null) return success(false);
    const draft = record('budget_grant', { attempt_id: id, work, ...slice.value });
    const items = await mint([draft], { sender: 'engine', runId, cause: `${id} at ${version}`, inReplyTo: null });
    const sent = await bus.send(items, { expect: { stream: runId, version } });
    if (!sent.ok && !decidedAgain.has(sent.error.code)) return sent;
  }
}

/** What one request needs; null: nothing is limited. Errors: `AC_BUDGET_…`. */
function sliceFor(run: Run, bound: Amount, { model }: Called): Result<Limits | null> {
  const left = remainingOf(run);
  if (left.usd === null && left.tokens === null) return success(null);
  if (left.usd !== null && left.tokens === null && bound.usd === null)
    return failure(modelErrors.AC_BUDGET_UNPRICED({ run: run.id, model }));
  const isDear = left.usd !== null && (bound.usd ?? 0) > left.usd;
  const isLong = left.tokens !== null && bound.tokens > left.tokens;
  if (!isDear && !isLong)
    return success({
      usd: left.usd === null ? null : (bound.usd ?? 0),
      tokens: left.tokens === null ? null : bound.tokens,
    });
  const words = isDear ? `$${Math.max(0, left.usd ?? 0).toFixed(4)}` : `${Math.max(0, left.tokens ?? 0)} tokens`;
  return failure(
    run.plan === null
      ? modelErrors.AC_BUDGET_TOO_SMALL({ run: run.id, left: words })
      : modelErrors.AC_BUDGET_SPENT({ run: run.id, left: words }),
  );
}

/** Where it cannot be put on record, what was set aside stays so until an engine starts again: too little is spent, never too much. */
async function settle({ bus, log }: PurseParts, { id, runId, called }: Request, cost: Spent): Promise<void> {
  const { usage, usd, estimated = false } = cost;
  const { provider, model } = called;
  const account =
    usage === undefined ? [] : [{ provider, model, usage: { ...usage }, cost_usd: usd, calls: 1, estimated }];
  const items = await mint([record('budget_settle', { attempt_id: id, account })], {
    sender: 'engine',
    runId,
    cause: `${id} settled`,
    inReplyTo: null,
  });
  const sent = await bus.send(items);
  if (!sent.ok) log('request-not-settled', { run: runId, error: sent.error });
}
