import { success } from '@agentcompany/protocol';
import { nothingOpened } from './door/attempt-services.ts';
import { openCheckpoints } from './engine/checkpoint-files.ts';
import type { HostParts } from './engine/host-parts.ts';
import { openAttemptModels, type AttemptModelsOptions } from './open-attempt-models.ts';

/** Opens what the doors of attempts offer on the engine's own machine. */
export function attemptServices(options: AttemptModelsOptions): HostParts['openServices'] {
  return async (work) => {
    const opened = await openAttemptModels(options, work);
    if (!opened.ok) return opened;
    if (opened.value === null) return success(nothingOpened);
    const { models, account } = opened.value;
    const checkpoint = openCheckpoints(options.home, work.run.id, work.attempt);
    return success({ ...nothingOpened, models, account, checkpoint });
  };
}
