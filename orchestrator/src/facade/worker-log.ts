import { watch } from 'node:fs';
import { mkdir, open } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as after } from 'node:timers/promises';
import { failure, success, type Result } from '@agentcompany/protocol';
import type { AttemptView, RunView } from '../company/view.ts';
import type { Company, LogChoice } from '../company-facade.ts';
import { attemptLog } from '../engine/run-files.ts';
import type { FacadeContext } from './context.ts';
import { facadeErrors } from './errors.ts';
import { findRun } from './find-run.ts';

/** Milliseconds after which a log is looked at though nothing was heard of a change. */
const recheckMs = 1000;
const pieceBytes = 65_536;

/** What workers' containers wrote to standard error. */
export function openWorkerLogs(context: FacadeContext): Pick<Company, 'workerLog' | 'followLog'> {
  return {
    workerLog: (id, options) => workerLog(context, id, options),
    followLog: (id, options) => followLog(context, id, options),
  };
}

interface Chosen {
  readonly runId: string;
  readonly attempt: AttemptView;
}

function choose(run: RunView, { taskId, attemptId }: LogChoice): Result<Chosen> {
  const tasks = run.task_list.filter(({ task_id: known }) => taskId === undefined || known === taskId);
  const runId = run.run_id;
  if (tasks.length === 0) return failure(facadeErrors.AC_TASK_UNKNOWN({ task: taskId ?? '', run: runId }));
  const attempts = tasks.flatMap((task) => task.attempts);
  const attempt =
    attemptId === undefined
      ? attempts.toSorted((one, other) => one.started_at.localeCompare(other.started_at)).at(-1)
      : attempts.find(({ attempt_id: known }) => known === attemptId);
  return attempt === undefined ? failure(facadeErrors.AC_LOG_NONE({ run: runId })) : success({ runId, attempt });
}

async function chosenLog(context: FacadeContext, id: string, choice: LogChoice): Promise<Result<Chosen>> {
  const run = await findRun(context, id);
  return run.ok ? choose(run.value, choice) : run;
}

async function workerLog(
  context: FacadeContext,
  id: string,
  options: LogChoice & { readonly maxBytes: number },
): Promise<Result<string>> {
  const chosen = await chosenLog(context, id, options);
  if (!chosen.ok) return chosen;
  const { runId, attempt } = chosen.value;
  try {
    await using handle = await open(attemptLog(context.home, runId, attempt.attempt_id), 'r');
    const { size } = await handle.stat();
    const length = Math.min(size, options.maxBytes);
    const { buffer } = await handle.read({ buffer: Buffer.alloc(length), position: size - length });
    return success(buffer.toString('utf8'));
  } catch (cause) {
    return failure(facadeErrors.AC_LOG_NONE({ run: runId }, cause));
  }
}

/** Reads on from `from`; empty where there is nothing, or no file yet. */
async function readPiece(file: string, from: number): Promise<Buffer> {
  try {
    await using handle = await open(file, 'r');
    const { buffer, bytesRead } = await handle.read({ buffer: Buffer.alloc(pieceBytes), position: from });
    return buffer.subarray(0, bytesRead);
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return Buffer.alloc(0);
    throw cause;
  }
}

/** Ends where the attempt has an end and its log was read whole: the log is complete before the end is on record. */
async function* followLog(
  context: FacadeContext,
  id: string,
  options: LogChoice & { readonly signal: AbortSignal },
): AsyncGenerator<Result<string>> {
  const chosen = await chosenLog(context, id, options);
  if (!chosen.ok) {
    yield chosen;
    return;
  }
  const { runId, attempt } = chosen.value;
  const file = attemptLog(context.home, runId, attempt.attempt_id);
  const changes = await changesOf(path.dirname(file));
  const decoder = new TextDecoder();
  try {
    let position = 0;
    while (!options.signal.aborted) {
      // Asked before reading: what was written until the end came is read after it.
      const now = await chosenLog(context, runId, { attemptId: attempt.attempt_id });
      if (!now.ok) {
        yield now;
        return;
      }
      const change = changes.next();
      const piece = await readPiece(file, position);
      position += piece.length;
      if (piece.length > 0) yield success(decoder.decode(piece, { stream: true }));
      else if (now.value.attempt.ended_at !== null) return;
      else await Promise.race([change, after(recheckMs, undefined, { signal: options.signal }).catch(() => undefined)]);
    }
  } catch (cause) {
    yield failure(facadeErrors.AC_LOG_NONE({ run: runId }, cause));
  } finally {
    changes.close();
  }
}

interface Changes {
  /** Resolves with the first change from now on. */
  next(): Promise<void>;
  close(): void;
}

/** Changes of the files in a folder, which is made where a worker has not made it yet. */
async function changesOf(folder: string): Promise<Changes> {
  await mkdir(folder, { recursive: true });
  let changed = Promise.withResolvers<void>();
  const watcher = watch(folder, () => changed.resolve());
  // Without a watcher there is still the slow look.
  watcher.on('error', () => undefined);
  return {
    next: () => {
      changed = Promise.withResolvers<void>();
      return changed.promise;
    },
    close: () => watcher.close(),
  };
}
