import { triageWithModel, type Triager } from '../agents/manager/triage-with-model.ts';
import { triageWork } from '../company/budget.ts';
import { openModel, type ModelsOptions } from '../open-models.ts';
import { paidModel, type PayingOptions } from './paid-model.ts';

/**
 * Triages by the Manager's model, else the configured one, opened for each triage and paid from the run's budget. A decision that was paid
 * and lost before it was on record is not paid again.
 */
export function openTriager(options: ModelsOptions & PayingOptions): Triager {
  const ordinary = options.config.model;
  return async (order, definition, calling) => {
    const model = await openModel(options, definition?.model ?? ordinary ?? undefined);
    if (!model.ok) return model;
    const { run, attempt } = order;
    const paid = await paidModel(
      model.value,
      { run, scope: triageWork(attempt.id), onAgain: calling.onAgain },
      options,
    );
    return paid.ok ? triageWithModel(paid.value, order, definition, calling) : paid;
  };
}
