import type { WorkOrder } from '@agentcompany/protocol';
import type { DoorClient } from '../door-client.ts';
import { egressEnvironment } from './egress-environment.ts';
import { cacheEnvironment } from './package-caches.ts';

/**
 * Opens what lets programs install things: the way out where the order has one, and the caches that are mounted. Returns the variables that
 * tell every command of it; none, and nothing listens, where there is neither. Files lie in `folder`, outside the repository.
 */
export async function openSupplies(
  { egress }: Pick<WorkOrder, 'egress'>,
  door: DoorClient,
  folder: string,
): Promise<Record<string, string>> {
  const wayOut = egress === undefined ? {} : await openWayOut(egress, door, folder);
  return { ...wayOut, ...(await cacheEnvironment(folder, egress !== undefined)) };
}

/** The proxy, with Node's HTTP server, is loaded by the workers that have one. */
async function openWayOut(
  egress: NonNullable<WorkOrder['egress']>,
  door: DoorClient,
  folder: string,
): Promise<Record<string, string>> {
  const { openEgressProxy } = await import('./egress-proxy.ts');
  const { address } = await openEgressProxy(door);
  return egressEnvironment(address, egress, folder);
}
