import { success } from '@agentcompany/protocol';
import type { MadePlan, PlanMaker } from '../agents/manager/plan-with-model.ts';
import { planWithModel } from '../agents/manager/plan-with-model.ts';
import { planningWork } from '../company/budget.ts';
import { checkPlan } from '../company/plan-check.ts';
import type { CallRecord } from '../models/model.ts';
import { openModel, type ModelsOptions } from '../open-models.ts';
import { paidModel, type PayingOptions } from './paid-model.ts';

/**
 * Plans by the Manager's model, else the configured one, which is opened when the first plan is asked for; null where none is
 * configured. A reply that a run paid and lost before its plan was on record is not paid again; what it cost is told all the same.
 */
export function openPlanMaker(options: ModelsOptions, planning: PayingOptions | null): PlanMaker | null {
  if (options.config.model === null) return null;
  return async (order, { run, signal, onCall }) => {
    const model = await openModel(options, order.manager?.model ?? undefined);
    if (!model.ok) return model;
    const again: CallRecord[] = [];
    const onAgain = (call: CallRecord): void => void again.push(call);
    const paid = await paidModel(model.value, { run, scope: planningWork, onAgain }, planning);
    if (!paid.ok) return paid;
    const made = await planWithModel(paid.value, order, { signal, onCall, checkPlan });
    return made.ok ? success<MadePlan>({ ...made.value, calls: [...again, ...made.value.calls] }) : made;
  };
}
