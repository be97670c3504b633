import { mkdir, writeFile } from 'node:fs/promises';
import { failure, success, type Result, type WorkOrder, workerErrors } from '@agentcompany/protocol';
import { git, type GitPlace } from './git.ts';
import type { WorkerPaths } from './paths.ts';

function errorCode(cause: unknown): unknown {
  return cause instanceof Error ? Reflect.get(cause, 'code') : undefined;
}

async function prepareFolders(paths: WorkerPaths, mirror: string): Promise<void> {
  for (const folder of [paths.repository, paths.home, paths.task]) await mkdir(folder, { recursive: true });
  await mkdir(`${paths.repository}/.git/objects/info`, { recursive: true });
  await writeFile(`${paths.repository}/.git/objects/info/alternates`, `${mirror}/objects\n`);
}

/**
 * Makes the repository the agent works in: objects are borrowed from the read-only mirror, so that the cost does not depend
 * on the size of the history, and the base commit is checked out detached. Errors: `AC_CLONE_FAILED`, `AC_WORKSPACE_FULL`.
 */
export async function openWorkspace(paths: WorkerPaths, order: WorkOrder, place: GitPlace): Promise<Result<undefined>> {
  const failed = (output: string) => workerErrors.AC_CLONE_FAILED({ commit: order.base_oid }, output);
  try {
    await prepareFolders(paths, order.mirror);
  } catch (cause) {
    return failure(errorCode(cause) === 'ENOSPC' ? workerErrors.AC_WORKSPACE_FULL({}, cause) : failed(String(cause)));
  }
  const initialised = await git(place, ['init', '--quiet', '--initial-branch=work', '.'], failed);
  if (!initialised.ok) return initialised;
  const checkedOut = await git(place, ['checkout', '--quiet', '--detach', order.base_oid, '--'], failed);
  return checkedOut.ok ? success() : checkedOut;
}
