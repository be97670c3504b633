import { success, type Result } from '@agentcompany/protocol';
import type { BareRepository } from './bare-repository.ts';

const outputLimit = 8 * 1024 * 1024;

/** Paths of a commit's files in git's order; of a tree whose names alone have more than 8 MiB, those of its top folder. */
export async function listFiles(repository: BareRepository, commit: string): Promise<Result<readonly string[]>> {
  const whole = await list(repository, commit, ['-r']);
  return whole.ok || whole.error.code !== 'AC_GIT_OUTPUT_TOO_LARGE' ? whole : list(repository, commit, []);
}

async function list(
  repository: BareRepository,
  commit: string,
  options: readonly string[],
): Promise<Result<readonly string[]>> {
  const listed = await repository.run({
    arguments: ['ls-tree', ...options, '-z', '--name-only', '--full-tree', '--end-of-options', commit],
    gitDir: repository.folder,
    outputLimit,
  });
  if (!listed.ok) return listed;
  return success(listed.value.stdout.toString('utf8').split('\0').slice(0, -1));
}
