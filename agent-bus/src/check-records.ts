import {
  busRecordSchema,
  failure,
  firstProblem,
  streamOf,
  success,
  type BusRecord,
  type Result,
} from '@agentcompany/protocol';
import { busErrors } from './errors.ts';

type RecordOf<Kind extends BusRecord['kind']> = Extract<BusRecord, { readonly kind: Kind }>;

/** Kinds in the order in which they stand; those of one rank may be mixed. */
const rank: Readonly<Record<BusRecord['kind'], number>> = {
  bus: 0,
  entry: 1,
  delivery: 2,
  dead_letter: 3,
  forgotten: 3,
  lease: 3,
  end: 4,
};

/**
 * Checks an export record by record, for the import of any adapter: shape, order, gapless streams, and that nothing names what is not
 * there. Holds the ids of what it has seen, not the envelopes.
 */
export class RecordChecker {
  #number = 0;
  #entries = 0;
  #rank = -1;
  #lastPosition = 0;
  #position = 0;
  readonly #versions = new Map<string, number>();
  readonly #envelopes = new Set<string>();
  /** `queue id` of every delivery; true for what was buried. */
  readonly #deliveries = new Map<string, boolean>();
  /** `kind name` of dead letters, forgotten ids and leases. */
  readonly #others = new Set<string>();

  /** The record as it may be stored. Error: `AC_BUS_EXPORT_INVALID` naming it by its number, from 1. */
  check(record: unknown): Result<BusRecord> {
    this.#number += 1;
    const parsed = busRecordSchema.safeParse(record);
    if (!parsed.success) return this.invalid(firstProblem(parsed.error));
    const problem = this.#outOfOrder(parsed.data) ?? this.#problem(parsed.data);
    return problem === null ? success(parsed.data) : this.invalid(problem);
  }

  /** The number of entries of an export that is whole. Error: `AC_BUS_EXPORT_INVALID` where it was cut short. */
  finish(): Result<{ readonly entries: number }> {
    if (this.#rank === rank.end) return success({ entries: this.#entries });
    this.#number += 1;
    return this.invalid('it is missing: the export was cut short');
  }

  /** What else an adapter finds wrong with the record checked last. */
  invalid(problem: string): Result<never> {
    return failure(busErrors.AC_BUS_EXPORT_INVALID({ number: this.#number, problem }));
  }

  #outOfOrder({ kind }: BusRecord): string | null {
    const before = this.#rank;
    this.#rank = rank[kind];
    if (this.#number === 1) return kind === 'bus' ? null : `the first record must be bus, this is ${kind}`;
    if (before === rank.end) return 'it comes after the end';
    return rank[kind] < before || kind === 'bus' ? `${kind} is out of order` : null;
  }

  #problem(record: BusRecord): string | null {
    switch (record.kind) {
      case 'bus':
        this.#lastPosition = record.last_position;
        return null;
      case 'entry':
        return this.#entryProblem(record);
      case 'delivery':
        return this.#deliveryProblem(record);
      case 'dead_letter':
        if (this.#deliveries.get(`${record.queue} ${record.envelope_id}`) !== true)
          return `no buried delivery of ${record.envelope_id} in queue ${record.queue}`;
        return this.#twice('dead_letter', record.id);
      case 'forgotten':
        if (this.#envelopes.has(record.id)) return `${record.id} is both kept and forgotten`;
        if (record.position > this.#lastPosition) return `position ${record.position} is beyond the last one`;
        return this.#twice('forgotten', record.id);
      case 'lease':
        return this.#twice('lease', record.name);
      case 'end':
        return record.records === this.#number - 1 ? null : `it counts ${record.records} records before it`;
    }
  }

  #entryProblem({ stream, seq, position, envelope }: RecordOf<'entry'>): string | null {
    if (position <= this.#position) return `position ${position} is out of order`;
    if (position > this.#lastPosition) return `position ${position} is beyond the last one`;
    const next = (this.#versions.get(stream) ?? 0) + 1;
    if (seq !== next) return `stream ${stream} goes on with ${next}, not ${seq}`;
    if (this.#envelopes.has(envelope.id)) return `envelope ${envelope.id} is there twice`;
    // What stands for an unreadable envelope keeps its place, also in a stream of progress.
    const own = streamOf(envelope);
    const standsIn = envelope.envelope_type === 'dead_letter' && stream === `${own}/progress`;
    if (stream !== own && !standsIn) return `envelope ${envelope.id} belongs to stream ${own}`;
    this.#position = position;
    this.#versions.set(stream, seq);
    this.#envelopes.add(envelope.id);
    this.#entries += 1;
    return null;
  }

  #deliveryProblem({ queue, envelope_id, state, not_before }: RecordOf<'delivery'>): string | null {
    const key = `${queue} ${envelope_id}`;
    if (!this.#envelopes.has(envelope_id)) return `there is no envelope ${envelope_id}`;
    if (this.#deliveries.has(key)) return `envelope ${envelope_id} is in queue ${queue} twice`;
    if (state !== 'delayed' && not_before !== 0) return `not_before of a delivery that is ${state}`;
    this.#deliveries.set(key, state === 'buried');
    return null;
  }

  #twice(kind: string, name: string): string | null {
    const key = `${kind} ${name}`;
    if (this.#others.has(key)) return `${kind} ${name} is there twice`;
    this.#others.add(key);
    return null;
  }
}
