import { planWithModel, type PlanMaker } from '../agents/manager/plan-with-model.ts';
import { checkPlan } from '../company/plan-check.ts';
import { openModel, type ModelsOptions } from '../open-models.ts';

/** Plans by the Manager's model, else the configured one, which is opened when the first plan is asked for; null where none is configured. */
export function openPlanMaker(options: ModelsOptions): PlanMaker | null {
  if (options.config.model === null) return null;
  return async (order, calling) => {
    const model = await openModel(options, order.manager?.model ?? undefined);
    return model.ok ? planWithModel(model.value, order, { ...calling, checkPlan }) : model;
  };
}
