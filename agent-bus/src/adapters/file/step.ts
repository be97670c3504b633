import type { AppError } from '@agentcompany/protocol';

/** `leased` and `delayed` deliveries can be claimed when their `due` has come; `done` and `buried` ones no more. */
export type DeliveryState = 'ready' | 'delayed' | 'leased' | 'done' | 'buried';

/** An envelope that entered its stream. Its JSON, `bytes` long with CRC-32 `check`, follows the step in the journal. */
export interface EntryFact {
  readonly id: string;
  readonly stream: string;
  readonly seq: number;
  readonly position: number;
  /** Unix milliseconds. */
  readonly at: number;
  /** SHA-256 of the canonical bytes, base64. */
  readonly digest: string;
  readonly bytes: number;
  readonly check: number;
}

/** Where a delivery stands after the step; what is absent has the value that says nothing (0, null; `place`: the position). */
export interface DeliveryFact {
  readonly queue: string;
  /** Position of the envelope. */
  readonly position: number;
  readonly state: DeliveryState;
  /** Orders the queue: the position at which it was put there. */
  readonly place?: number;
  /** Unix ms: `notBefore` of a delayed delivery, the lease's end of a leased one. */
  readonly due?: number;
  /** Milliseconds for which it was leased. */
  readonly lease?: number;
  readonly count?: number;
  readonly epoch?: number;
  readonly token?: string | null;
  /** Positions that the ending step appended, for whoever repeats it. */
  readonly receipt?: readonly number[] | null;
}

export interface GraveFact {
  readonly id: string;
  readonly queue: string;
  readonly position: number;
  readonly count: number;
  readonly error: AppError;
  /** Unix milliseconds. */
  readonly at: number;
}

/** A named lease; without holder its `token` is null. */
export interface LeaseFact {
  readonly name: string;
  readonly holder: string;
  readonly token: string | null;
  readonly epoch: number;
  readonly due: number;
  readonly lease: number;
}

/** An id that outlives its stream. */
export interface ForgottenFact {
  readonly id: string;
  readonly stream: string;
  readonly seq: number;
  readonly position: number;
  readonly digest: string;
  readonly until: number;
}

/** Bytes of the journal that are no record; they lie in `quarantine/<file>`. */
export interface DamageFact {
  readonly segment: number;
  readonly offset: number;
  readonly length: number;
  readonly file: string;
}

/**
 * One whole step: what holds after it. Facts are absolute, never "one more": a step that is lost takes nothing but itself away, and
 * the same facts make up a compacted journal.
 */
export interface Step {
  readonly entries?: readonly EntryFact[];
  /** Envelopes whose stored bytes were damaged and which came again; their bytes follow those of `entries`. */
  readonly healed?: readonly Pick<EntryFact, 'position' | 'bytes' | 'check'>[];
  readonly deliveries?: readonly DeliveryFact[];
  readonly graves?: readonly GraveFact[];
  /** Ids of dead letters that are no more. */
  readonly purged?: readonly string[];
  readonly leases?: readonly LeaseFact[];
  readonly forgotten?: readonly ForgottenFact[];
  /** Streams that are no more, and until when their ids are remembered. */
  readonly dropped?: { readonly streams: readonly string[]; readonly until: number };
  /** Unix ms: ids that were to be remembered until then are forgotten. */
  readonly tidied?: number;
  /** The boot of the machine to which the leases belong. */
  readonly boot?: string;
  /** Positions up to here are used. */
  readonly floor?: number;
  readonly damages?: readonly DamageFact[];
}
