import { failure, success, type Result } from '@agentcompany/protocol';
import type Database from 'better-sqlite3';
import { beginsInFuture } from '../../lease-clock.ts';
import { busErrors } from '../../errors.ts';
import { isHolderGone, newLeaseToken } from '../../lease-holder.ts';

interface LeaseRow {
  readonly holder: string;
  readonly token: string | null;
  readonly epoch: number;
  readonly due: number;
  readonly lease_ms: number;
}

function prepareStatements(database: Database.Database) {
  return {
    find: database.prepare<[string], LeaseRow>('SELECT holder, token, epoch, due, lease_ms FROM leases WHERE name = ?'),
    take: database.prepare<[string, string, string, number, number, number]>(
      'INSERT OR REPLACE INTO leases (name, holder, token, epoch, due, lease_ms) VALUES (?, ?, ?, ?, ?, ?)',
    ),
    extend: database.prepare<[number, number, string]>('UPDATE leases SET due = ?, lease_ms = ? WHERE name = ?'),
    held: database.prepare<[], { name: string; token: string }>(
      'SELECT name, token FROM leases WHERE token IS NOT NULL',
    ),
    release: database.prepare<[string]>('UPDATE leases SET token = NULL, due = 0 WHERE name = ?'),
    expireAll: database.prepare('UPDATE leases SET due = 0'),
  };
}

/** Leases by name with a fencing epoch (DESIGN §1.8). Times in unix milliseconds. All methods are called inside an open transaction. */
export class NamedLeases {
  readonly #statements: ReturnType<typeof prepareStatements>;

  constructor(database: Database.Database) {
    this.#statements = prepareStatements(database);
  }

  /** A lease that began later than now was taken before the clock went back: it counts as lapsed, the epoch protects. */
  acquire(
    name: string,
    holder: string,
    leaseMs: number,
    now: number,
  ): Result<{ readonly epoch: number; readonly token: string }> {
    const row = this.#statements.find.get(name);
    if (
      row !== undefined &&
      row.token !== null &&
      row.due > now &&
      !beginsInFuture({ due: row.due, lease: row.lease_ms }, now)
    ) {
      return failure(busErrors.AC_BUS_LEASE_HELD({ name, holder: row.holder }));
    }
    const epoch = (row?.epoch ?? 0) + 1;
    const token = newLeaseToken();
    this.#statements.take.run(name, holder, token, epoch, Math.ceil(now + leaseMs), Math.ceil(leaseMs));
    return success({ epoch, token });
  }

  /** A lapsed lease that nobody has taken since may still be extended. Error: `AC_BUS_STALE_LEASE`. */
  extend(name: string, token: string, leaseMs: number, now: number): Result<undefined> {
    if (this.#statements.find.get(name)?.token !== token)
      return failure(busErrors.AC_BUS_STALE_LEASE({ subject: name }));
    this.#statements.extend.run(Math.ceil(now + leaseMs), Math.ceil(leaseMs), name);
    return success(undefined);
  }

  /** Error: `AC_BUS_STALE_LEASE`. */
  release(name: string, token: string): Result<undefined> {
    if (this.#statements.find.get(name)?.token !== token)
      return failure(busErrors.AC_BUS_STALE_LEASE({ subject: name }));
    this.#statements.release.run(name);
    return success(undefined);
  }

  /** Ends the leases of processes that are gone. */
  expireGone(): void {
    for (const { name, token } of this.#statements.held.all())
      if (isHolderGone(token)) this.#statements.release.run(name);
  }

  /** The machine has started anew: no lease has a holder. */
  expireAll(): void {
    this.#statements.expireAll.run();
  }
}
