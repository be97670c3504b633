import { success, type Result } from '@agentcompany/protocol';
import type { StreamEntry } from '@agentcompany/agent-bus';
import type { Company } from '../company-facade.ts';
import type { FacadeContext } from './context.ts';
import { findRun } from './find-run.ts';

/** Everything that only reads. */
export function openRunQueries(
  context: FacadeContext,
): Pick<Company, 'listRuns' | 'showRun' | 'openRuns' | 'timeline' | 'exportState' | 'rebuildState'> {
  const { model } = context;
  const refreshed = async <Value>(read: () => Value): Promise<Result<Value>> => {
    const result = await model.refresh();
    return result.ok ? success(read()) : result;
  };
  return {
    listRuns: () => refreshed(() => model.summaries()),
    showRun: (id) => findRun(context, id),
    openRuns: () => refreshed(() => model.open()),
    timeline: (id, options) => timeline(context, id, options),
    exportState: () => refreshed(() => model.export()),
    rebuildState: () => model.rebuild(),
  };
}

async function* timeline(
  { bus }: FacadeContext,
  id: string,
  { after, follow, signal }: { readonly after: number; readonly follow: boolean; readonly signal: AbortSignal },
): AsyncGenerator<StreamEntry> {
  const start = await bus.lastPosition();
  const past = await bus.readStream(id, { after });
  if (!past.ok || !start.ok) return;
  let last = after;
  for (const entry of past.value) {
    last = entry.seq;
    yield entry;
  }
  if (!follow) return;
  for await (const entry of bus.watch({ after: start.value, signal })) {
    const isNew = entry.stream === id ? entry.seq > last : entry.stream === `${id}/progress`;
    if (isNew) yield entry;
  }
}
