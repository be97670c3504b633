import type { AgentBus, DeliveryStatus, StreamEntry } from '@agentcompany/agent-bus';
import { success, type Result } from '@agentcompany/protocol';
import type { DeliveryOutcome, HistoryEntry, HistoryPage, HistoryQuery } from '../bus-facade.ts';
import { progressStream } from '../engine/purge-run.ts';
import { pages, pageSize } from './bus-reading.ts';
import type { FacadeContext } from './context.ts';
import { findRun } from './find-run.ts';

/** Entries that match, with the standing of their deliveries, in commit order (H20). */
export async function history(context: FacadeContext, query: HistoryQuery): Promise<Result<HistoryPage>> {
  const source = await sourceOf(context, query.run);
  if (!source.ok) return source;
  const matches: HistoryEntry[] = [];
  // One beyond the page tells whether there is more.
  const wanted = query.offset + query.limit + 1;
  for await (const chunk of chunks(source.value)) {
    if (!chunk.ok) return chunk;
    const standing = await withStanding(
      context.bus,
      chunk.value.filter((entry) => fits(entry, query)),
    );
    if (!standing.ok) return standing;
    matches.push(...standing.value.filter(({ status }) => (query.status ?? status) === status));
    if (matches.length >= wanted) break;
  }
  const end = query.offset + query.limit;
  return success({ entries: matches.slice(query.offset, end), more: matches.length > end });
}

type Entries = AsyncIterable<Result<StreamEntry>>;

async function sourceOf(context: FacadeContext, named: string | undefined): Promise<Result<Entries>> {
  const { bus } = context;
  if (named === undefined) return success(pages(bus, 0));
  const version = await bus.streamVersion(named);
  if (!version.ok) return version;
  const run = version.value > 0 ? success({ run_id: named }) : await findRun(context, named);
  if (!run.ok) return run;
  const { run_id: stream } = run.value;
  return success(merged(streamPages(bus, stream), streamPages(bus, progressStream(stream))));
}

async function* streamPages(bus: AgentBus, stream: string): AsyncGenerator<Result<StreamEntry>, void, undefined> {
  for (let after = 0; ;) {
    const entries = await bus.readStream(stream, { after, limit: pageSize });
    if (!entries.ok) return yield entries;
    for (const entry of entries.value) yield success(entry);
    if (entries.value.length < pageSize) return;
    after += entries.value.length;
  }
}

/** Two sources in one commit order. */
async function* merged(
  left: AsyncIterator<Result<StreamEntry>>,
  right: AsyncIterator<Result<StreamEntry>>,
): AsyncGenerator<Result<StreamEntry>, void, undefined> {
  let [one, other] = [await left.next(), await right.next()];
  while (one.done !== true || other.done !== true) {
    const isLeft = other.done === true || (one.done !== true && place(one.value) < place(other.value));
    if (isLeft && one.done !== true) {
      yield one.value;
      one = await left.next();
    } else if (other.done !== true) {
      yield other.value;
      other = await right.next();
    }
  }
}

/** A failure comes first: it ends the reading. */
function place(entry: Result<StreamEntry>): number {
  return entry.ok ? entry.value.position : 0;
}

async function* chunks(entries: Entries): AsyncGenerator<Result<readonly StreamEntry[]>, void, undefined> {
  let chunk: StreamEntry[] = [];
  for await (const entry of entries) {
    if (!entry.ok) return yield entry;
    chunk.push(entry.value);
    if (chunk.length < pageSize) continue;
    yield success(chunk);
    chunk = [];
  }
  if (chunk.length > 0) yield success(chunk);
}

function fits({ envelope }: StreamEntry, query: HistoryQuery): boolean {
  const at = Date.parse(envelope.created_at);
  return (
    (query.thread ?? envelope.context.thread_id) === envelope.context.thread_id &&
    (query.type ?? envelope.envelope_type) === envelope.envelope_type &&
    (query.sender ?? envelope.sender) === envelope.sender &&
    (query.recipient ?? envelope.recipient) === envelope.recipient &&
    (query.since === undefined || at >= query.since) &&
    (query.until === undefined || at < query.until)
  );
}

async function withStanding(bus: AgentBus, entries: readonly StreamEntry[]): Promise<Result<readonly HistoryEntry[]>> {
  if (entries.length === 0) return success([]);
  const found = await bus.deliveries(entries.map(({ envelope }) => envelope.id));
  if (!found.ok) return found;
  const byEnvelope = Map.groupBy(found.value, ({ envelopeId }) => envelopeId);
  return success(
    entries.map((entry) => {
      const deliveries = byEnvelope.get(entry.envelope.id) ?? [];
      return { ...entry, status: outcomeOf(deliveries), deliveries };
    }),
  );
}

function outcomeOf(deliveries: readonly DeliveryStatus[]): DeliveryOutcome | null {
  if (deliveries.length === 0) return null;
  if (deliveries.some(({ state }) => state === 'buried')) return 'failed';
  return deliveries.every(({ state }) => state === 'done') ? 'processed' : 'pending';
}
