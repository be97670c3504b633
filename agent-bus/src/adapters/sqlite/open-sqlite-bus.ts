import { dirname, join } from 'node:path';
import { failure, success, type AppError, type Result } from '@agentcompany/protocol';
import type Database from 'better-sqlite3';
import type { AgentBus } from '../../bus.ts';
import { busErrors } from '../../errors.ts';
import type { CommonBusOptions, FolderBusOptions } from '../../bus-options.ts';
import { Committer } from './committer.ts';
import { Compaction } from './compaction.ts';
import { openDatabase } from './database.ts';
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

export interface AssembleOptions extends CommonBusOptions {
  readonly busyLimit?: number;
}

function openWakeups(database: Database.Database): Wakeups {
  const version = (): number => Number(database.pragma('data_version', { simple: true }));
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
  now: number,
): void {
  const boot = bootId();
  const found = database.prepare<[], string>(`SELECT value FROM facts WHERE name = 'boot'`).pluck();
  const keep = database.prepare<[string]>(`INSERT OR REPLACE INTO facts (name, value) VALUES ('boot', ?)`);
  database
    .transaction(() => {
      deliveries.expireFuture(now);
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
  const wakeups = openWakeups(database);
  const deliveries = new DeliveryTable(database, wakeups);
  const ledger = new Ledger(database, deliveries, wakeups);
  const graveyard = new Graveyard(database, ledger, deliveries);
  const namedLeases = new NamedLeases(database);
  expireOrphans(database, deliveries, namedLeases, now());
  const steps = new Steps({
    ledger,
    deliveries,
    graveyard,
    now,
    maxDeliveries: options.maxDeliveries ?? defaultMaxDeliveries,
  });
  const committer = new Committer({
    database,
    busyLimit: options.busyLimit ?? defaultBusyLimit,
    onDurableStep: options.onDurableStep ?? (() => undefined),
    onCommitted: () => wakeups.ring(),
    onFatal: (error: AppError) => bus.shutDown(error),
  });
  const compaction = new Compaction(database);
  const bus = new SqliteBus({
    database,
    committer,
    wakeups,
    ledger,
    deliveries,
    graveyard,
    compaction,
    namedLeases,
    steps,
    now,
  });
  return bus;
}
