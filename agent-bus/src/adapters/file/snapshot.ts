import { factOf } from './queue-index.ts';
import type { Entry, State } from './state.ts';
import type { DeliveryFact, EntryFact, ForgottenFact, GraveFact, LeaseFact } from './step.ts';

/** The whole state at one moment; envelopes by where they lie. */
export interface Snapshot {
  readonly entries: readonly Entry[];
  readonly deliveries: readonly DeliveryFact[];
  readonly graves: readonly GraveFact[];
  readonly leases: readonly LeaseFact[];
  readonly forgotten: readonly ForgottenFact[];
  readonly boot: string;
  readonly lastPosition: number;
}

/** Copies what may change; it is taken in one turn. */
export function snapshotOf(state: State): Snapshot {
  const deliveries: DeliveryFact[] = [];
  for (const nodes of state.deliveries()) for (const node of nodes) deliveries.push(factOf(node));
  return {
    entries: state.ledger.after(0, Infinity),
    deliveries,
    graves: [...state.graves.values()],
    leases: [...state.leases.values()],
    forgotten: [...state.forgotten.values()],
    boot: state.boot,
    lastPosition: state.ledger.lastPosition,
  };
}

/** The fact that an entry came from. */
export function entryFact(entry: Entry): EntryFact {
  const { id, stream, seq, position, at, digest, check, location } = entry;
  return { id, stream, seq, position, at, digest, bytes: location.bytes, check };
}
