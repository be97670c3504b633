import { unwrap, type BusRecord } from '@agentcompany/protocol';
import type { AgentBus } from '../bus.ts';

/** The whole export of a bus. */
export async function recordsOf(bus: AgentBus): Promise<readonly BusRecord[]> {
  const records: BusRecord[] = [];
  for await (const record of bus.exportRecords()) records.push(unwrap(record));
  return records;
}

/** The records as a source to import from. */
export async function* streamed(records: readonly BusRecord[]): AsyncGenerator<BusRecord, void, undefined> {
  yield* records;
}

/**
 * An export as lines of JSON that two stores with the same content have in common, whatever adapter holds them: without the time of the
 * export, and those kinds that have no order of their own sorted.
 */
export function comparable(records: readonly BusRecord[]): readonly string[] {
  const lines = records.map((record) => {
    if (record.kind === 'bus') return JSON.stringify({ ...record, exported_at: null });
    if (record.kind === 'entry' || record.kind === 'end') return JSON.stringify(record);
    return JSON.stringify(
      Object.fromEntries(Object.entries(record).toSorted(([left], [right]) => (left < right ? -1 : 1))),
    );
  });
  const isOrdered = (kind: BusRecord['kind'] | undefined): boolean =>
    kind === 'bus' || kind === 'entry' || kind === 'end';
  const ordered = lines.filter((_line, index) => isOrdered(records[index]?.kind));
  const others = lines.filter((_line, index) => !isOrdered(records[index]?.kind));
  return [...ordered, ...others.toSorted((left, right) => (left < right ? -1 : 1))];
}
