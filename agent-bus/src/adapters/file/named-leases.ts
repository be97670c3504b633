import { failure, success, type Result } from '@agentcompany/protocol';
import { busErrors } from '../../errors.ts';
import { beginsInFuture } from '../../lease-clock.ts';
import { isHolderGone, newLeaseToken } from '../../lease-holder.ts';
import { factOf } from './queue-index.ts';
import type { State } from './state.ts';
import type { Plan } from './steps.ts';
import type { LeaseFact, Step } from './step.ts';

/** Times in unix milliseconds. Error: `AC_BUS_LEASE_HELD`. */
export function acquireLease(
  state: State,
  name: string,
  holder: string,
  leaseMs: number,
  now: number,
): Plan<{ readonly epoch: number; readonly token: string }> {
  const known = state.leases.get(name);
  if (known !== undefined && known.token !== null && known.due > now && !beginsInFuture(known, now))
    return { result: failure(busErrors.AC_BUS_LEASE_HELD({ name, holder: known.holder })) };
  const epoch = (known?.epoch ?? 0) + 1;
  const token = newLeaseToken();
  const lease = { name, holder, token, epoch, due: Math.ceil(now + leaseMs), lease: Math.ceil(leaseMs) };
  return { result: success({ epoch, token }), step: { leases: [lease] } };
}

/** A lapsed lease that nobody has taken since may still be extended. Error: `AC_BUS_STALE_LEASE`. */
export function extendLease(state: State, name: string, token: string, leaseMs: number, now: number): Plan<undefined> {
  const held = heldLease(state, name, token);
  if (!held.ok) return { result: held };
  const lease = { ...held.value, due: Math.ceil(now + leaseMs), lease: Math.ceil(leaseMs) };
  return { result: success(), step: { leases: [lease] } };
}

/** Error: `AC_BUS_STALE_LEASE`. */
export function releaseLease(state: State, name: string, token: string): Plan<undefined> {
  const held = heldLease(state, name, token);
  if (!held.ok) return { result: held };
  return { result: success(), step: { leases: [{ ...held.value, token: null, due: 0 }] } };
}

function heldLease(state: State, name: string, token: string): Result<LeaseFact> {
  const known = state.leases.get(name);
  return known?.token === token ? success(known) : failure(busErrors.AC_BUS_STALE_LEASE({ subject: name }));
}

/** Ends leases that have no holder: of an earlier boot, of processes that are gone, and those that began in the future, before the clock went back. */
export function expireOrphans(state: State, boot: string, now: number): Step {
  const isOtherBoot = state.boot !== boot;
  const isOrphan = (token: string | null, due: number, lease: number): boolean =>
    isOtherBoot || beginsInFuture({ due, lease }, now) || (token !== null && isHolderGone(token));
  const deliveries = [...state.queues.values()].flatMap(({ timed }) =>
    timed
      .filter((node) => node.state === 'leased' && isOrphan(node.token, node.due, node.lease))
      .map((node) => factOf(node, { due: 0 })),
  );
  const leases = [...state.leases.values()]
    .filter(({ token, due, lease }) => token !== null && isOrphan(token, due, lease))
    .map((lease) => ({ ...lease, token: null, due: 0 }));
  return {
    ...(deliveries.length > 0 && { deliveries }),
    ...(leases.length > 0 && { leases }),
    ...(isOtherBoot && { boot }),
  };
}
