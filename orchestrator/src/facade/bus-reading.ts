import type { AgentBus, OpenBusOptions, StreamEntry } from '@agentcompany/agent-bus';
import { failure, success, type Result } from '@agentcompany/protocol';
import type { BusStatistics, CompanyBus } from '../bus-facade.ts';
import { busPlace } from '../home-bus.ts';
import type { FacadeContext } from './context.ts';

/** Entries read at once: each may have megabytes. */
export const pageSize = 200;

/** How the bus is filled, and its entries in commit order. */
export function openBusReading(
  context: FacadeContext,
): Pick<CompanyBus, 'statistics' | 'positionBefore' | 'tail' | 'deadLetters'> {
  const { bus } = context;
  return {
    statistics: () => statistics(context),
    positionBefore: (count) => positionBefore(bus, count),
    tail: ({ after, follow, signal }) => (follow ? followed(bus, after, signal) : pages(bus, after)),
    deadLetters: async () => {
      const dead = await bus.deadLetters();
      return dead.ok
        ? success(dead.value.toSorted((left, right) => left.buriedAt.localeCompare(right.buriedAt)))
        : dead;
    },
  };
}

/** Who promises that what was acknowledged survives a power cut. */
export function durabilityOf(options: OpenBusOptions): BusStatistics['durability'] {
  if (options.adapter !== 'redis') return 'machine';
  return options.acceptVolatile === true ? 'volatile' : 'server';
}

async function statistics({ bus, store }: FacadeContext): Promise<Result<BusStatistics>> {
  const queues = await bus.queues();
  if (!queues.ok) return queues;
  const dead = await bus.deadLetters();
  if (!dead.ok) return dead;
  const streams = await bus.streams();
  if (!streams.ok) return streams;
  const entries = await countEntries(bus, streams.value);
  if (!entries.ok) return entries;
  const last = await bus.lastPosition();
  if (!last.ok) return last;
  return success({
    adapter: store.adapter,
    place: busPlace(store),
    durability: durabilityOf(store),
    latency_class: bus.capabilities().latencyClass,
    streams: streams.value.length,
    entries: entries.value,
    last_position: last.value,
    dead_letters: dead.value.length,
    queues: queues.value,
  });
}

/** Entries of these streams together. */
export async function countEntries(bus: AgentBus, streams: readonly string[]): Promise<Result<number>> {
  let total = 0;
  for (let start = 0; start < streams.length; start += pageSize) {
    const versions = await Promise.all(
      streams.slice(start, start + pageSize).map((stream) => bus.streamVersion(stream)),
    );
    for (const version of versions) {
      if (!version.ok) return version;
      total += version.value;
    }
  }
  return success(total);
}

async function positionBefore(bus: AgentBus, count: number): Promise<Result<number>> {
  const last = await bus.lastPosition();
  if (!last.ok || count === 0) return last;
  // Dropped streams leave gaps: look further back until there is enough.
  for (let span = count; ; span *= 2) {
    const after = Math.max(0, last.value - span);
    const positions: number[] = [];
    for await (const entry of pages(bus, after)) {
      if (!entry.ok) return entry;
      positions.push(entry.value.position);
    }
    const first = positions.at(-count);
    if (first !== undefined) return success(first - 1);
    if (after === 0) return success(0);
  }
}

/** What is there now, in commit order. A failure ends it. */
export async function* pages(bus: AgentBus, after: number): AsyncGenerator<Result<StreamEntry>, void, undefined> {
  for (let position = after; ;) {
    const entries = await bus.readAll({ after: position, limit: pageSize });
    if (!entries.ok) return yield entries;
    for (const entry of entries.value) yield success(entry);
    const last = entries.value.at(-1);
    if (last === undefined || entries.value.length < pageSize) return;
    position = last.position;
  }
}

async function* followed(
  bus: AgentBus,
  after: number,
  signal: AbortSignal,
): AsyncGenerator<Result<StreamEntry>, void, undefined> {
  for await (const entry of bus.watch({ after, signal })) yield success(entry);
  if (signal.aborted) return;
  // Watching ends by itself only with the bus; any call says why.
  const refused = await bus.lastPosition();
  if (!refused.ok) yield failure(refused.error);
}
