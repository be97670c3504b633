import { dirname, join } from 'node:path';
import { failure, success, type AppError, type Result } from '@agentcompany/protocol';
import type Database from 'better-sqlite3';
import type { AgentBus } from '../../bus.ts';
import { busErrors } from '../../errors.ts';
import type { CommonBusOptions, FolderBusOptions } from '../../bus-options.ts';
import { Committer } from './committer.ts';
import { Compaction } from './compaction.ts';
import { DiskReserve } from '../../disk-reserve.ts';
import { endOpening, openDatabase } from './database.ts';
import { DeliveryTable } from './delivery-table.ts';
import { bootId } from '../../file-system.ts';
import { Graveyard } from './graveyard.ts';
import { Ledger } from './ledger.ts';
import { NamedLeases } from './named-leases.ts';
import { SqliteBus } from './sqlite-bus.ts';
import { Steps } from './steps.ts';
import { storageError } from './storage-error.ts';
import { Wakeups } from '../../wakeups.ts';

/** Deliveries without completion before a message is buried (DESIGN §4). */
const defaultMaxDeliveries = 20;
/** How long a call waits for another process's lock, in milliseconds. */
const defaultBusyLimit = 10_000;
/** Room for one move of the log into the file and for ending what is open, in bytes. */
const reserveBytes = 8 * 1024 * 1024;

export interface AssembleOptions extends CommonBusOptions {
  /** Milliseconds. */
  readonly busyLimit?: number;
}

function openWakeups(database: Database.Database): Wakeups {
  const statement = database.prepare<[], number>('PRAGMA data_version').pluck();
  const version = (): number => statement.get() ?? 0;
  let last = version();
  return new Wakeups(join(dirname(database.name), 'bus.bell'), () => {
    const current = version();
    const changed = current !== last;
    last = current;
    return changed;
  });
}

/** Leases of an earlier boot or of a process that is gone have no holder; those that began in the future were taken before the clock went back. */
function expireOrphans(
  database: Database.Database,
  deliveries: DeliveryTable,
  namedLeases: NamedLeases,
  now: () => number,
): void {
  const boot = bootId();
  const found = database.prepare<[], string>(`SELECT value FROM facts WHERE name = 'boot'`).pluck();
  const keep = database.prepare<[string]>(`INSERT OR REPLACE INTO facts (name, value) VALUES ('boot', ?)`);
  database
    .transaction(() => {
      deliveries.expireFuture(now());
      deliveries.expireGone();
      namedLeases.expireGone();
      if (found.get() === boot) return;
      deliveries.expireAll();
      namedLeases.expireAll();
      keep.run(boot);
    })
    .immediate();
}

/** Opens the SQLite bus. Errors: as `openBus`. */
export function openSqliteBus(options: Omit<FolderBusOptions, 'adapter'>): Result<AgentBus> {
  const opened = openDatabase(options.folder);
  if (!opened.ok) return opened;
  const database = opened.value;
  try {
    return success(assembleBus(database, options));
  } catch (thrown) {
    database.close();
    return failure(storageError(thrown, database.name) ?? busErrors.AC_BUS_OPEN({ folder: options.folder }, thrown));
  }
}

/** The bus on an open database. */
export function assembleBus(database: Database.Database, options: AssembleOptions): AgentBus {
  const now = options.now ?? Date.now;
  const busyLimit = options.busyLimit ?? defaultBusyLimit;
  const wakeups = openWakeups(database);
  const deliveries = new DeliveryTable(database, wakeups);
  const ledger = new Ledger(database, deliveries, wakeups);
  const graveyard = new Graveyard(database, ledger, deliveries);
  const namedLeases = new NamedLeases(database);
  expireOrphans(database, deliveries, namedLeases, now);
  endOpening(database);
  const steps = new Steps({
    ledger,
    deliveries,
    graveyard,
    now,
    maxDeliveries: options.maxDeliveries ?? defaultMaxDeliveries,
  });
  const reserve = new DiskReserve(join(dirname(database.name), 'bus.reserve'), reserveBytes);
  const committer = new Committer({
    database,
    reserve,
    busyLimit,
    onDurableStep: options.onDurableStep ?? (() => undefined),
    onRewind: () => {
      ledger.rewind();
      deliveries.rewind();
    },
    onCommitting: () => wakeups.announce(),
    onCommitted: () => wakeups.ring(),
    onFatal: (error: AppError) => bus.shutDown(error),
  });
  const compaction = new Compaction(database);
  const bus = new SqliteBus({
    database,
    reserve,
    committer,
    wakeups,
    ledger,
    deliveries,
    graveyard,
    compaction,
    namedLeases,
    steps,
    now,
    busyLimit,
  });
  return bus;
}
