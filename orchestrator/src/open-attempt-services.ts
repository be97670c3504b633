import { success } from '@agentcompany/protocol';
import { nothingOpened } from './door/attempt-services.ts';
import { openCheckpoints } from './engine/checkpoint-files.ts';
import type { HostFolders, HostParts } from './engine/host-parts.ts';

/** Opens what the doors of attempts offer on the engine's own machine. */
export function attemptServices(folders: HostFolders): HostParts['openServices'] {
  return async ({ run, attempt }) => {
    if (attempt.assignment.agent === undefined) return success(nothingOpened);
    return success({ ...nothingOpened, checkpoint: openCheckpoints(folders, run.id, attempt) });
  };
}
