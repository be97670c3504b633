import { join } from 'node:path';
import { failure, success, type Result } from '@agentcompany/protocol';
import type { AgentBus } from '../../bus.ts';
import type { CommonBusOptions, FolderBusOptions } from '../../bus-options.ts';
import { DiskReserve } from '../../disk-reserve.ts';
import { busErrors } from '../../errors.ts';
import { bootId, makePrivateFolder, networkFileSystemOf } from '../../file-system.ts';
import { entriesTopic, Wakeups } from '../../wakeups.ts';
import { Committer } from './committer.ts';
import { Compaction } from './compaction.ts';
import { EnvelopeReader } from './envelope-reader.ts';
import { FileBus } from './file-bus.ts';
import { journalVersion } from './frame.ts';
import { Importing } from './importing.ts';
import { defaultSegmentBytes, ForeignJournal, Journal, NewerJournal } from './journal.ts';
import { Lock } from './lock.ts';
import { expireOrphans } from './named-leases.ts';
import { Projector } from './projector.ts';
import { Steps } from './steps.ts';
import { storageError } from './storage-error.ts';
import { Views } from './views.ts';

/** Deliveries without completion before a message is buried (DESIGN §4). */
const defaultMaxDeliveries = 20;
/** How long a call waits for another process's lock, in milliseconds. */
const defaultBusyLimit = 10_000;
/** Room for ending what is open when the disk is full: some ten thousand completions, or a compaction of a small bus. Bytes. */
const reserveBytes = 4 * 1024 * 1024;

export interface FileBusTuning {
  readonly busyLimit?: number;
  readonly segmentBytes?: number;
}

/** Opens the file bus. Errors: as `openBus`. */
export function openFileBus(options: Omit<FolderBusOptions, 'adapter'>, tuning: FileBusTuning = {}): Result<AgentBus> {
  const { folder } = options;
  const opened: { close(): void }[] = [];
  try {
    makePrivateFolder(folder);
    const kind = networkFileSystemOf(folder);
    if (kind !== null) return failure(busErrors.AC_BUS_NETWORK_FS({ folder, kind }));
    const lock = new Lock(join(folder, 'lock.db'));
    opened.push(lock);
    const now = options.now ?? Date.now;
    const segmentBytes = tuning.segmentBytes ?? defaultSegmentBytes;
    const journal = new Journal({ folder, now, segmentBytes, onForeignStep: () => wakeups?.wakeAll() });
    opened.push(journal);
    let wakeups: Wakeups | null = null;
    recover(lock, journal, now);
    wakeups = openWakeups(journal);
    opened.push(wakeups);
    return success(assemble({ lock, journal, wakeups }, options, tuning));
  } catch (thrown) {
    for (const part of opened.toReversed()) part.close();
    return failure(openingError(thrown, folder));
  }
}

function openingError(thrown: unknown, folder: string): ReturnType<typeof busErrors.AC_BUS_OPEN> {
  if (thrown instanceof NewerJournal)
    return busErrors.AC_BUS_SCHEMA_NEWER({ file: thrown.file, found: thrown.found, known: journalVersion });
  if (thrown instanceof ForeignJournal) return busErrors.AC_BUS_CORRUPT({ file: thrown.file });
  return storageError(thrown, join(folder, 'lock.db')) ?? busErrors.AC_BUS_OPEN({ folder }, thrown);
}

/** Reads the journal, mends it, and gives leases without a holder up. */
function recover(lock: Lock, journal: Journal, now: () => number): void {
  lock.acquireWaiting();
  try {
    journal.open();
    const step = expireOrphans(journal.state, bootId(), now());
    if (Object.keys(step).length === 0) return;
    journal.stage(step, []);
    journal.write();
    journal.publish();
  } finally {
    lock.release();
  }
}

function openWakeups(journal: Journal): Wakeups {
  const changedElsewhere = (): boolean => {
    const visible = journal.bell.read();
    return visible?.segment !== journal.end.segment || visible.offset !== journal.end.offset;
  };
  return new Wakeups(journal.bell.file, changedElsewhere, false);
}

interface OpenParts {
  readonly lock: Lock;
  readonly journal: Journal;
  readonly wakeups: Wakeups;
}

function assemble(
  parts: OpenParts,
  options: CommonBusOptions & { readonly folder: string },
  tuning: FileBusTuning,
): AgentBus {
  const { lock, journal, wakeups } = parts;
  const now = options.now ?? Date.now;
  const onDurableStep = options.onDurableStep ?? (() => undefined);
  const envelopes = new EnvelopeReader((location) => journal.read(location));
  const maxDeliveries = options.maxDeliveries ?? defaultMaxDeliveries;
  const steps = new Steps({ state: () => journal.state, envelopes, maxDeliveries, now });
  const reserve = new DiskReserve(join(options.folder, 'reserve'), reserveBytes);
  const projector = new Projector({ folder: options.folder, journal, envelopes, reserve });
  const committer = new Committer({
    journal,
    lock,
    reserve,
    onDurableStep,
    busyLimit: tuning.busyLimit ?? defaultBusyLimit,
    onStaged: (step) => {
      if (step.entries !== undefined) wakeups.mark(entriesTopic);
      for (const { queue, state } of step.deliveries ?? [])
        if (state === 'ready' || state === 'delayed') wakeups.mark(queue);
    },
    onCommitted: () => wakeups.ring(),
    onFatal: (error) => bus.shutDown(error),
  });
  const compaction = new Compaction({ journal, committer, onDurableStep, now });
  const importing = new Importing({ folder: options.folder, journal, committer, onDurableStep });
  const views = new Views(journal, envelopes);
  const bus = new FileBus({
    journal,
    lock,
    reserve,
    committer,
    wakeups,
    steps,
    views,
    compaction,
    importing,
    projector,
    now,
  });
  return bus;
}
