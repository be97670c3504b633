import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { failure, maximumCheckpointBytes, success, type Result } from '@agentcompany/protocol';
import type { Run } from '../company/records.ts';
import { runEnds, taskEnds } from '../company/states.ts';
import type { CheckpointStore } from '../door/attempt-services.ts';
import { storeUpload } from '../uploads/store-upload.ts';
import type { Attempt } from './attempt.ts';
import { engineErrors } from './errors.ts';
import type { HostFolders } from './host-parts.ts';
import { checkpointsFolder } from './run-files.ts';

const fileForm = /^(\d+)\.json$/;

/**
 * The checkpoints of one task as an attempt sees them: it writes its own round's and reads the latest. An assignment that begins
 * anew (C28) reads none of earlier rounds, but what it left itself before its host died. Errors: `AC_CHECKPOINT_STORE`.
 */
export function openCheckpoints(
  folders: Pick<HostFolders, 'runsFolder'>,
  runId: string,
  { assignment }: Pick<Attempt, 'assignment'>,
): CheckpointStore {
  const folder = join(checkpointsFolder(folders, runId), assignment.task.id);
  const { round } = assignment;
  const oldest = assignment.fresh === true ? round : 0;
  return {
    read: () => guarded(folder, () => readLatest(folder, oldest, round)),
    write: (content) => guarded(folder, () => write(folder, round, content)),
  };
}

/** Removes what the ended tasks of a run left, and with an ended run all of it. */
export async function removeSpentCheckpoints(folders: Pick<HostFolders, 'runsFolder'>, run: Run): Promise<void> {
  const folder = checkpointsFolder(folders, run.id);
  if (runEnds.has(run.state)) return rm(folder, { recursive: true, force: true });
  for (const taskId of await readdir(folder).catch(() => [])) {
    const task = run.tasks.get(taskId);
    if (task !== undefined && taskEnds.has(task.state)) await rm(join(folder, taskId), { recursive: true });
  }
}

async function guarded<Value>(folder: string, act: () => Promise<Value>): Promise<Result<Value>> {
  try {
    return success(await act());
  } catch (cause) {
    return failure(engineErrors.AC_CHECKPOINT_STORE({ folder }, cause));
  }
}

async function roundsIn(folder: string): Promise<readonly number[]> {
  const names = await readdir(folder).catch(() => []);
  return names.flatMap((name) => fileForm.exec(name)?.[1] ?? []).map(Number);
}

const fileOf = (folder: string, round: number): string => join(folder, `${round}.json`);

async function readLatest(folder: string, oldest: number, latest: number): Promise<Buffer | null> {
  const rounds = (await roundsIn(folder)).filter((round) => round >= oldest && round <= latest);
  if (rounds.length === 0) return null;
  const file = fileOf(folder, Math.max(...rounds));
  return (await stat(file)).size > maximumCheckpointBytes ? null : readFile(file);
}

async function write(folder: string, round: number, content: Buffer): Promise<undefined> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const sha256 = createHash('sha256').update(content).digest('hex');
  const file = fileOf(folder, round);
  const body = (async function* () {
    yield content;
  })();
  const stored = await storeUpload({ body, file, bytes: content.length, sha256 });
  if (stored.outcome === 'disk') throw stored.cause;
  for (const earlier of await roundsIn(folder)) if (earlier < round) await rm(fileOf(folder, earlier), { force: true });
  return undefined;
}
