import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { failure, success, type Result } from '@agentcompany/protocol';
import type { BareRepository } from '../../git/bare-repository.ts';
import { outputText, type GitRunner } from '../../git/runner.ts';
import { forgeErrors } from '../errors.ts';

/**
 * The git folder of a person's repository: the folder itself where it is bare, else its `.git`, which may be a file that
 * names another place. Error: `AC_FORGE_UNREACHABLE`.
 */
export async function openLocalRepository(folder: string, run: GitRunner): Promise<Result<BareRepository>> {
  const refused = (cause: unknown): Result<never> =>
    failure(forgeErrors.AC_FORGE_UNREACHABLE({ place: folder }, cause));
  const inside = path.join(folder, '.git');
  const found = await stat(inside).catch(() => null);
  const gitDir = found === null ? folder : found.isDirectory() ? inside : await followGitFile(folder, inside);
  const checked = await run({ arguments: ['rev-parse', '--git-dir'], gitDir }).catch((cause: unknown) =>
    refused(cause),
  );
  return checked.ok ? success({ folder: gitDir, run }) : refused(checked.error.cause);
}

async function followGitFile(folder: string, file: string): Promise<string> {
  const text = await readFile(file, 'utf8');
  return path.resolve(folder, text.replace(/^gitdir:\s*/u, '').trimEnd());
}

/** The folder whose work tree has the branch checked out; null where none has. */
export async function checkedOutAt(repository: BareRepository, branch: string): Promise<Result<string | null>> {
  const answer = await repository.run({ arguments: ['worktree', 'list', '--porcelain'], gitDir: repository.folder });
  if (!answer.ok) return answer;
  for (const entry of outputText(answer.value).split('\n\n')) {
    const lines = entry.split('\n');
    if (lines.includes(`branch refs/heads/${branch}`) && !lines.includes('bare')) {
      return success(lines[0]?.replace(/^worktree /u, '') ?? repository.folder);
    }
  }
  return success(null);
}
