import { failure, success, type Result } from '@agentcompany/protocol';
import { busErrors } from '../../errors.ts';
import { newLeaseToken } from '../../lease-holder.ts';
import { acquireScript, extendLeaseScript, releaseLeaseScript } from './scripts/named-leases.ts';
import type { Store } from './store.ts';

/** Leases by name with a fencing epoch (DESIGN §1.8). Errors: as `Link.run`. */
export class NamedLeases {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  /** Error: `AC_BUS_LEASE_HELD`. */
  async acquire(
    name: string,
    holder: string,
    leaseMs: number,
  ): Promise<Result<{ readonly epoch: number; readonly token: string }>> {
    const token = newLeaseToken();
    const values = [name, holder, token, Math.ceil(leaseMs)];
    const answered = await this.#store.run(acquireScript, values, { durability: 'durable' });
    if (!answered.ok) return answered;
    const { word, rest } = answered.value;
    if (word === 'held') return failure(busErrors.AC_BUS_LEASE_HELD({ name, holder: String(rest[0]) }));
    return success({ epoch: Number(rest[0]), token });
  }

  /** Error: `AC_BUS_STALE_LEASE`. */
  async extend(name: string, token: string, leaseMs: number): Promise<Result<undefined>> {
    const answered = await this.#store.run(extendLeaseScript, [name, token, Math.ceil(leaseMs)]);
    if (!answered.ok) return answered;
    return answered.value.word === 'stale'
      ? failure(busErrors.AC_BUS_STALE_LEASE({ subject: name }))
      : success(undefined);
  }

  /** A repetition that finds the lease gone has given it back before, or has lost it. Error: `AC_BUS_STALE_LEASE`. */
  async release(name: string, token: string): Promise<Result<undefined>> {
    let wasRepeated = false;
    const answered = await this.#store.runTold(releaseLeaseScript, (isRepeated) => {
      wasRepeated = isRepeated;
      return [name, token];
    });
    if (!answered.ok) return answered;
    const isStale = answered.value.word === 'stale' && !wasRepeated;
    return isStale ? failure(busErrors.AC_BUS_STALE_LEASE({ subject: name })) : success(undefined);
  }
}
