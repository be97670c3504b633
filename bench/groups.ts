import type { RuntimeName } from './containers/runtime-names.ts';
import type { Measurement } from './measurement.ts';

/**
 * What each argument of the benchmark measures; a file of `groups/` holds the measurements of its name. It is loaded only
 * when it is asked for: what one group has in memory would cost another at every fork. `runtime`: measure on this one only; null: on each.
 */
export const groups: Readonly<Record<string, (runtime: RuntimeName | null) => Promise<readonly Measurement[]>>> = {
  containers: async (runtime) => (await import('./groups/containers.ts')).containerCosts(runtime),
  cli: async () => (await import('./groups/cli.ts')).programCosts,
  engine: async () => [
    (await import('./groups/containers.ts')).workerReady,
    (await import('./groups/engine.ts')).wholeLine,
    ...(await import('./groups/cli.ts')).programCosts,
  ],
  gateway: async () => (await import('./groups/gateway.ts')).gatewayCosts,
  merging: async () => (await import('./groups/merging.ts')).mergingCosts,
  queued: async () => (await import('./groups/queued.ts')).queuedCosts,
  bus: async () => (await import('./groups/bus.ts')).busCosts,
};
