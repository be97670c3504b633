import type { WorkOrder } from '@agentcompany/protocol';
import type { DoorClient } from '../door-client.ts';
import { egressEnvironment } from './egress-environment.ts';
import { cacheEnvironment } from './package-caches.ts';

/** Of the worker these are for. */
export interface SupplySurroundings {
  /** Outside the repository; what is written for programs lies there. */
  readonly folder: string;
  /** The variables its commands have otherwise. */
  readonly inherited: Readonly<Record<string, string | undefined>>;
  /** Writes to the attempt's log. */
  readonly say: (line: string) => void;
}

/**
 * Opens what lets programs install things: the way out where the order has one, and the caches that are mounted. Returns the variables that
 * tell every command of it; none, and nothing listens, where there is neither.
 */
export async function openSupplies(
  { egress }: Pick<WorkOrder, 'egress'>,
  door: DoorClient,
  around: SupplySurroundings,
): Promise<Record<string, string>> {
  const { folder, inherited } = around;
  const wayOut = egress === undefined ? {} : await openWayOut(egress, door, around);
  return { ...wayOut, ...(await cacheEnvironment(folder, { hasWayOut: egress !== undefined, inherited })) };
}

/** The proxy, with Node's HTTP server, is loaded by the workers that have one. */
async function openWayOut(
  egress: NonNullable<WorkOrder['egress']>,
  door: DoorClient,
  { folder, say }: SupplySurroundings,
): Promise<Record<string, string>> {
  const { openEgressProxy } = await import('./egress-proxy.ts');
  const { address } = await openEgressProxy(door, say);
  return egressEnvironment(address, egress, folder);
}
