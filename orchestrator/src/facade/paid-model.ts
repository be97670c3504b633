import { success, type AppError, type Result } from '@agentcompany/protocol';
import type { Run } from '../company/records.ts';
import { meteredModel } from '../models/metered-model.ts';
import type { CallRecord, Model } from '../models/model.ts';
import type { OpenPurse } from '../open-attempt-models.ts';
import { openExchanges, type ExchangesOptions } from '../open-exchanges.ts';

/** How the host's own calls of models for a run are paid and recorded. */
export interface PayingOptions extends ExchangesOptions {
  readonly openPurse: OpenPurse;
  readonly onUnrecorded: (error: AppError) => void;
}

/** The model as a piece of work of a run uses it (`ExchangeKey.scope`); as it is where there is no run, or nothing is paid. */
export async function paidModel(
  model: Model,
  work: { readonly run: Run | null; readonly scope: string; readonly onAgain: (call: CallRecord) => void },
  paying: PayingOptions | null,
): Promise<Result<Model>> {
  const { run, scope, onAgain } = work;
  if (run === null || paying === null) return success(model);
  const purse = await paying.openPurse({ run, attempt: null, work: scope });
  if (!purse.ok) return purse;
  const { onUnrecorded } = paying;
  const store = openExchanges(paying, run.id);
  return success(meteredModel(model, { scope, store, purse: purse.value, onAgain, onUnrecorded }));
}
