import { success } from '@agentcompany/protocol';
import { nothingOpened } from './door/attempt-services.ts';
import type { HostParts } from './engine/host-parts.ts';

/** Opens what the doors of attempts offer on the engine's own machine. */
export function attemptServices(): HostParts['openServices'] {
  return async () => success(nothingOpened);
}
