import { mkdir, utimes, writeFile } from 'node:fs/promises';
import { setTimeout } from 'node:timers/promises';
import { failure, success, type Result, type WorkOrder, workerErrors } from '@agentcompany/protocol';
import { git, type GitPlace } from './git.ts';
import { runCommand } from './run-command.ts';

const secondMs = 1000;

/**
 * Checks a commit out into `folder`, for others to mount as their repository. Durable when it returns. The folder itself need not
 * belong to this user, so git is told where the repository is instead of being left to find it. Error: `AC_CLONE_FAILED`.
 */
export async function prepareCheckout(folder: string, order: WorkOrder, around: GitPlace): Promise<Result<undefined>> {
  const failed = (output: string) => workerErrors.AC_CLONE_FAILED({ commit: order.base_oid }, output);
  const repository = `${folder}/.git`;
  const environment = { ...around.environment, GIT_DIR: repository, GIT_WORK_TREE: folder };
  const place: GitPlace = { ...around, folder, environment };
  try {
    await mkdir(`${repository}/objects/info`, { recursive: true });
    await writeFile(`${repository}/objects/info/alternates`, `${order.mirror}/objects\n`);
  } catch (cause) {
    return failure(failed(String(cause)));
  }
  const initialised = await git(place, ['init', '--quiet', '--initial-branch=work'], failed);
  if (!initialised.ok) return initialised;
  const checkedOut = await git(place, ['checkout', '--quiet', '--detach', order.base_oid, '--'], failed);
  if (!checkedOut.ok) return checkedOut;
  await outdateIndex(`${repository}/index`);
  const synced = await runCommand({ ...place, program: 'sync', args: ['--file-system', folder], timeoutSeconds: 300 });
  return synced.exitCode === 0 ? success() : failure(failed(synced.output));
}

/**
 * Git reads a file anew that was written in the second in which its index was (racy git, gitformat-index(5)): with an index of a later
 * second, the first `git status` of every workspace only looks at what the file system says of each file.
 */
async function outdateIndex(index: string): Promise<void> {
  await setTimeout(secondMs);
  const now = new Date();
  await utimes(index, now, now);
}
