import { open } from 'node:fs/promises';
import { failure, success, type Result } from '@agentcompany/protocol';
import type { StreamEntry } from '@agentcompany/agent-bus';
import type { Company } from '../company-facade.ts';
import { attemptLog } from '../engine/run-files.ts';
import { facadeErrors } from './errors.ts';
import type { FacadeContext } from './context.ts';
import { findRun } from './find-run.ts';

/** Everything that only reads. */
export function openRunQueries(
  context: FacadeContext,
): Pick<Company, 'listRuns' | 'showRun' | 'openRuns' | 'timeline' | 'workerLog' | 'exportState' | 'rebuildState'> {
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
    workerLog: (id, options) => workerLog(context, id, options),
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

async function workerLog(
  context: FacadeContext,
  id: string,
  options: { readonly taskId?: string; readonly attemptId?: string; readonly maxBytes: number },
): Promise<Result<string>> {
  const run = await findRun(context, id);
  if (!run.ok) return run;
  const tasks = run.value.task_list.filter(
    ({ task_id: taskId }) => options.taskId === undefined || taskId === options.taskId,
  );
  if (tasks.length === 0)
    return failure(facadeErrors.AC_TASK_UNKNOWN({ task: options.taskId ?? '', run: run.value.run_id }));
  const attempts = tasks.flatMap((task) => task.attempts);
  const attempt =
    options.attemptId === undefined
      ? attempts.toSorted((one, other) => one.started_at.localeCompare(other.started_at)).at(-1)
      : attempts.find(({ attempt_id: attemptId }) => attemptId === options.attemptId);
  if (attempt === undefined) return failure(facadeErrors.AC_LOG_NONE({ run: run.value.run_id }));
  return readTail(attemptLog(context.home, run.value.run_id, attempt.attempt_id), options.maxBytes, run.value.run_id);
}

async function readTail(file: string, maxBytes: number, runId: string): Promise<Result<string>> {
  try {
    await using handle = await open(file, 'r');
    const { size } = await handle.stat();
    const length = Math.min(size, maxBytes);
    const { buffer } = await handle.read({ buffer: Buffer.alloc(length), position: size - length });
    return success(buffer.toString('utf8'));
  } catch (cause) {
    return failure(facadeErrors.AC_LOG_NONE({ run: runId }, cause));
  }
}
