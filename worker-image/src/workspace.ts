import { mkdir, readFile, statfs, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { failure, success, type Result, type WorkOrder, workerErrors } from '@agentcompany/protocol';
import { git, type GitPlace } from './git.ts';
import type { WorkerPaths } from './paths.ts';

const fullBytes = 65_536;
const mostWriters = 4;
/** Files from which on programs beside each other are worth their start. */
const manyFiles = 2000;

/** Lets git write many files by several programs; by few of them, for the container may have less than the machine's processors. */
function sideBySide(): readonly string[] {
  const writers = Math.min(availableParallelism(), mostWriters);
  return ['-c', `checkout.workers=${writers}`, '-c', `checkout.thresholdForParallelism=${manyFiles}`];
}

function errorCode(cause: unknown): unknown {
  return cause instanceof Error ? Reflect.get(cause, 'code') : undefined;
}

const configuration = '[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = false\n';

/** The repository is laid out by hand (gitrepository-layout(5)): what `git init` would do, but for its start. */
async function prepareFolders(paths: WorkerPaths, mirror: string): Promise<void> {
  for (const folder of [paths.repository, paths.home, paths.task]) await mkdir(folder, { recursive: true });
  const git = `${paths.repository}/.git`;
  await mkdir(`${git}/objects/info`, { recursive: true });
  await mkdir(`${git}/refs`, { recursive: true });
  await writeFile(`${git}/objects/info/alternates`, `${mirror}/objects\n`);
  await writeFile(`${git}/config`, configuration);
  await writeFile(`${git}/HEAD`, 'ref: refs/heads/work\n');
}

/** Of a file that does not fit git says only that it was "unable to write" it, and leaves what it could. */
async function isFull(folder: string): Promise<boolean> {
  const found = await statfs(folder).catch(() => null);
  return found !== null && found.bavail * found.bsize < fullBytes;
}

/** The commit of a checkout that was mounted here ready made; null where there is none. */
async function mountedCommit({ repository }: WorkerPaths): Promise<string | null> {
  const head = await readFile(`${repository}/.git/HEAD`, 'utf8').catch(() => '');
  return /^([0-9a-f]{40})\n$/.exec(head)?.[1] ?? null;
}

/**
 * Makes the repository the agent works in: objects are borrowed from the read-only mirror, so that the cost does not depend
 * on the size of the history, and the base commit is checked out detached. Of a checkout that is mounted only what differs is.
 * Errors: `AC_CLONE_FAILED`, `AC_WORKSPACE_FULL`.
 */
export async function openWorkspace(paths: WorkerPaths, order: WorkOrder, place: GitPlace): Promise<Result<undefined>> {
  const failed = (output: string) => workerErrors.AC_CLONE_FAILED({ commit: order.base_oid }, output);
  const mounted = await mountedCommit(paths);
  try {
    if (mounted === null) await prepareFolders(paths, order.mirror);
    else for (const folder of [paths.home, paths.task]) await mkdir(folder, { recursive: true });
  } catch (cause) {
    return failure(errorCode(cause) === 'ENOSPC' ? workerErrors.AC_WORKSPACE_FULL({}, cause) : failed(String(cause)));
  }
  if (mounted === order.base_oid) return success();
  const checkedOut = await git(
    place,
    [...sideBySide(), 'checkout', '--quiet', '--detach', order.base_oid, '--'],
    failed,
  );
  if (checkedOut.ok) return success();
  return (await isFull(paths.repository))
    ? failure(workerErrors.AC_WORKSPACE_FULL({}, checkedOut.error.cause))
    : checkedOut;
}
