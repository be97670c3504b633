import { failure, success, type AppError, type Result } from '@agentcompany/protocol';
import type { MadePlan, PlanMaker } from '../agents/manager/plan-with-model.ts';
import { planWithModel } from '../agents/manager/plan-with-model.ts';
import { checkPlan } from '../company/plan-check.ts';
import type { Run } from '../company/records.ts';
import { meteredModel } from '../models/metered-model.ts';
import type { CallRecord, Model } from '../models/model.ts';
import { openExchanges, type ExchangesOptions } from '../open-exchanges.ts';
import { openModel, type ModelsOptions } from '../open-models.ts';
import type { OpenPurse } from '../open-attempt-models.ts';

/** How the plans of runs are paid and recorded. */
export interface PlanningOptions extends ExchangesOptions {
  readonly openPurse: OpenPurse;
  readonly onUnrecorded: (error: AppError) => void;
}

/**
 * Plans by the Manager's model, else the configured one, which is opened when the first plan is asked for; null where none is
 * configured. A reply that a run paid and lost before its plan was on record is not paid again; what it cost is told all the same.
 */
export function openPlanMaker(options: ModelsOptions, planning: PlanningOptions | null): PlanMaker | null {
  if (options.config.model === null) return null;
  return async (order, { run, signal, onCall }) => {
    const model = await openModel(options, order.manager?.model ?? undefined);
    if (!model.ok) return model;
    const again: CallRecord[] = [];
    const paid = await paidModel(model.value, run, planning, (call) => again.push(call));
    if (!paid.ok) return failure(paid.error);
    const made = await planWithModel(paid.value, order, { signal, onCall, checkPlan });
    return made.ok ? success<MadePlan>({ ...made.value, calls: [...again, ...made.value.calls] }) : made;
  };
}

async function paidModel(
  model: Model,
  run: Run | null,
  planning: PlanningOptions | null,
  onAgain: (call: CallRecord) => void,
): Promise<Result<Model>> {
  if (run === null || planning === null) return success(model);
  const purse = await planning.openPurse({ run, attempt: null });
  if (!purse.ok) return purse;
  const { onUnrecorded } = planning;
  const store = openExchanges(planning, run.id);
  return success(meteredModel(model, { scope: 'planning', store, purse: purse.value, onAgain, onUnrecorded }));
}
