import { copyFile, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { git } from './git.ts';
import type { Surroundings, TaskOrder } from './work.ts';

type Place = Pick<Surroundings, 'paths' | 'place'>;

/** Bytes of a patch that a checkpoint has room for, beside the conversation and written as base64. */
const maximumPatchBytes = 10 * 1_048_576;

/**
 * All that differs from the task's base in the working copy, new files included, as a patch; null where it cannot be told, or is
 * too large to keep. The agent's own index stays as it is.
 */
export async function readWorkInProgress(order: TaskOrder, { paths, place }: Place): Promise<Buffer | null> {
  const index = `${paths.task}/checkpoint.index`;
  const file = `${paths.task}/checkpoint.patch`;
  const apart = { ...place, environment: { ...place.environment, GIT_INDEX_FILE: index } };
  try {
    await copyIndex(`${paths.repository}/.git/index`, index);
    if (!(await git(apart, ['add', '--all'])).ok) return null;
    const form = ['--binary', '--full-index', '--no-renames', '--no-color', '--no-ext-diff', '--no-textconv'];
    const prefixes = ['--src-prefix=a/', '--dst-prefix=b/', `--output=${file}`];
    const written = await git(apart, ['diff', '--cached', ...form, ...prefixes, order.base_oid, '--']);
    if (!written.ok || (await stat(file)).size > maximumPatchBytes) return null;
    return await readFile(file);
  } catch {
    return null;
  } finally {
    await rm(index, { force: true });
    await rm(file, { force: true });
  }
}

/**
 * Copies an index as old as it is: git reads again what changed in the second the index was written (gitformat-index, "racy git"),
 * and would take it for unchanged beside a younger index.
 */
async function copyIndex(from: string, to: string): Promise<void> {
  const { atime, mtimeMs } = await stat(from);
  await copyFile(from, to);
  await utimes(to, atime, Math.floor(mtimeMs / 1000));
}

/** Brings work in progress into the working copy: all of it, or nothing where its base has moved too far. */
export async function restoreWorkInProgress(patch: Buffer, { paths, place }: Place): Promise<boolean> {
  if (patch.length === 0) return true;
  const file = `${paths.task}/checkpoint.patch`;
  try {
    await writeFile(file, patch);
    return (await git(place, ['apply', '--binary', '--whitespace=nowarn', file])).ok;
  } catch {
    return false;
  } finally {
    await rm(file, { force: true });
  }
}
