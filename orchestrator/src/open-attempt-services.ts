import { success } from '@agentcompany/protocol';
import { joinAccounts } from './company/sum-calls.ts';
import { nothingOpened } from './door/attempt-services.ts';
import { openAttemptPurse } from './engine/attempt-purse.ts';
import type { HostParts } from './engine/host-parts.ts';
import { openAttemptModels, type AttemptModelsOptions } from './open-attempt-models.ts';

/** Opens what the doors of attempts offer on the engine's own machine. */
export function attemptServices(
  options: Omit<AttemptModelsOptions, 'openPurse'>,
  spending: Pick<HostParts, 'bus' | 'folds' | 'folders'>,
): HostParts['openServices'] {
  return async (work) => {
    const purse = openAttemptPurse(spending, work.run.id, work.attempt.id);
    const opened = await openAttemptModels({ ...options, openPurse: async () => success(purse) }, work);
    if (!opened.ok) return opened;
    if (opened.value === null) return success(nothingOpened);
    const { models, account } = opened.value;
    return success({
      ...nothingOpened,
      models,
      account: () => joinAccounts(account(), purse.end()),
      refusal: () => purse.refusal(),
      close: () => purse.close(),
    });
  };
}
