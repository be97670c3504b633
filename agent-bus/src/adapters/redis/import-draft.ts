import { success, type BusRecord, type Result } from '@agentcompany/protocol';
import { prepareItems } from '../../outgoing.ts';
import type { Value } from './store.ts';

type RecordOf<Kind extends BusRecord['kind']> = Extract<BusRecord, { readonly kind: Kind }>;

const letters = { waiting: 'w', delayed: 'd', done: 'c', buried: 'b' } as const;

/** The commands that write an export into the keys of an import. */
export class Draft {
  #commands: Value[] = [];
  #count = 0;
  #batch = 0;
  #bytes = 0;
  #last = 0;
  readonly #positions = new Map<string, number>();
  readonly #streams = new Set<string>();
  /** What is buried, by queue and position, until its dead letter comes; what has none was purged. */
  readonly #buried = new Map<string, readonly [queue: string, position: number, record: string]>();

  /** About how much is to be written. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The last number that was used up, as a position or as a place. */
  get last(): number {
    return this.#last;
  }

  /** Error: that of an envelope that cannot be sent either. */
  add(record: BusRecord): Result<undefined> {
    switch (record.kind) {
      case 'bus':
        this.#last = record.last_position;
        break;
      case 'entry':
        return this.#entry(record);
      case 'delivery':
        this.#delivery(record);
        break;
      case 'dead_letter':
        this.#deadLetter(record);
        break;
      case 'forgotten':
        this.#forgotten(record);
        break;
      case 'lease':
        this.#command('HSET', 'leases', record.name, `${record.epoch}|0|0||`);
        break;
      case 'end':
    }
    return success(undefined);
  }

  /** After the last record: what was buried and has no dead letter any more was purged. */
  end(): void {
    for (const [queue, position, record] of this.#buried.values()) this.#keep(queue, position, `p${record}`);
    this.#buried.clear();
  }

  /** The commands since the last call, with the number of the batch. */
  takeBatch(): { readonly batch: number; readonly values: readonly Value[] } {
    this.#batch += 1;
    const values = [this.#count, ...this.#commands];
    this.#commands = [];
    this.#count = 0;
    this.#bytes = 0;
    return { batch: this.#batch, values };
  }

  #command(command: string, name: string, ...values: readonly Value[]): void {
    this.#commands.push(command, name, values.length, ...values);
    this.#count += 1;
    for (const value of values) this.#bytes += 16 + String(value).length;
  }

  #entry({ stream, seq, position, stored_at: storedAt, envelope }: RecordOf<'entry'>): Result<undefined> {
    const prepared = prepareItems([{ envelope, queue: null }]);
    if (!prepared.ok) return prepared;
    for (const { digest, json } of prepared.value) {
      const head = [envelope.id, digest.toString('base64'), seq, storedAt, stream].join('|');
      this.#command('XADD', 'ledger', position, 'h', head, 'e', json);
    }
    this.#command('HSET', 'ids', envelope.id, position);
    this.#command('RPUSH', `stream:${stream}`, position);
    if (!this.#streams.has(stream)) this.#command('ZADD', 'streams', position, stream);
    this.#streams.add(stream);
    this.#positions.set(envelope.id, position);
    return success(undefined);
  }

  #delivery(record: RecordOf<'delivery'>): void {
    const { queue, envelope_id: id, state, place, not_before: due, count, epoch } = record;
    const position = this.#positions.get(id) ?? 0;
    const rest = `|${place}|${count}|${epoch}|${due}|0||`;
    this.#last = Math.max(this.#last, place);
    this.#command('SADD', 'queues', queue);
    if (state === 'buried') {
      this.#buried.set(`${queue} ${position}`, [queue, position, rest]);
      return;
    }
    this.#keep(queue, position, `${letters[state]}${rest}`);
    if (state === 'waiting') this.#command('ZADD', `back:${queue}`, place, String(position).padStart(16, '0'));
    if (state === 'delayed') this.#command('ZADD', `delayed:${queue}`, due, position);
  }

  #deadLetter({ id, queue, envelope_id: envelopeId, count, error, buried_at: at }: RecordOf<'dead_letter'>): void {
    const position = this.#positions.get(envelopeId) ?? 0;
    const key = `${queue} ${position}`;
    const found = this.#buried.get(key);
    if (found !== undefined) this.#keep(queue, position, `b${found[2]}`);
    this.#buried.delete(key);
    this.#command('HSET', 'dead', id, `${queue}|${position}|${count}|${at}|${JSON.stringify(error)}`);
  }

  #forgotten({ id, stream, seq, position, digest, until }: RecordOf<'forgotten'>): void {
    const digestText = Buffer.from(digest, 'hex').toString('base64');
    this.#command('HSET', 'forgotten', id, `${position}|${seq}|${digestText}|${until}|${stream}`);
    this.#command('ZADD', 'forgotten-until', until, id);
  }

  #keep(queue: string, position: number, record: string): void {
    this.#command('HSET', `deliveries:${queue}`, position, record);
  }
}
