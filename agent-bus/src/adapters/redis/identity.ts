import { randomUUID } from 'node:crypto';
import { failure, success, type Result } from '@agentcompany/protocol';
import type { Redis } from 'ioredis';
import { busErrors } from '../../errors.ts';
import { checkDurability, readServer } from './server-check.ts';

/** The layout of the keys that this program writes; a store of a later one is refused. */
const schemaVersion = 1;

export interface IdentityOptions {
  readonly client: Redis;
  /** For messages. */
  readonly address: string;
  readonly factsKey: string;
  readonly acceptVolatile: boolean;
  /** The highest position that the server has told of. */
  readonly highest: () => number;
}

/** Knows the store again when a connection comes back: the same one, with all that it had acknowledged. */
export class Identity {
  readonly #options: IdentityOptions;
  #store: string | null = null;

  constructor(options: IdentityOptions) {
    this.#options = options;
  }

  /**
   * Errors: `AC_BUS_AWAY` (a replica), `AC_BUS_SERVER_OLD`, `AC_BUS_VOLATILE`, `AC_BUS_SCHEMA_NEWER`, `AC_BUS_LOST`.
   * Throws what the connection throws.
   */
  async check(): Promise<Result<undefined>> {
    const { client, address, acceptVolatile } = this.#options;
    const server = await readServer(client, address);
    if (!server.ok) return server;
    if (server.value.role !== 'master')
      return failure(busErrors.AC_BUS_AWAY({ address, reason: 'it is a replica, which takes no writes' }));
    const durable = acceptVolatile ? success(undefined) : await checkDurability(client, address);
    return durable.ok ? this.#checkStore() : durable;
  }

  async #checkStore(): Promise<Result<undefined>> {
    const { client, address, factsKey, highest } = this.#options;
    if (this.#store === null && (await client.hexists(factsKey, 'store')) === 0) {
      // Schema first: a store that has its id is whole. A server whose memory is spent is opened all the same where the store is there.
      await client.hsetnx(factsKey, 'schema', schemaVersion);
      await client.hsetnx(factsKey, 'store', randomUUID());
    }
    const [store = null, schema, last] = await client.hmget(factsKey, 'store', 'schema', 'last');
    if (Number(schema ?? schemaVersion) > schemaVersion) {
      const file = `the bus on ${address}`;
      return failure(busErrors.AC_BUS_SCHEMA_NEWER({ file, found: String(schema), known: schemaVersion }));
    }
    const found = Number(last ?? 0);
    if (this.#store !== null && store !== this.#store)
      return failure(busErrors.AC_BUS_LOST({ address, what: 'it holds another store, or none' }));
    if (found < highest())
      return failure(busErrors.AC_BUS_LOST({ address, what: `it is at position ${found}, and was at ${highest()}` }));
    this.#store = store;
    return success(undefined);
  }
}
