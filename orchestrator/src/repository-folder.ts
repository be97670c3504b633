import { readFileSync, realpathSync, statSync } from 'node:fs';
import path from 'node:path';
import { failure, success, type Result } from '@agentcompany/protocol';
import { orchestratorErrors as errors } from './errors.ts';

/** The folder that holds `HEAD`: of a bare repository itself, of a checkout `.git` or what the `.git` file of a linked checkout names. */
function gitFolder(folder: string): string | null {
  const inner = path.join(folder, '.git');
  const entry = statSync(inner, { throwIfNoEntry: false });
  if (entry?.isDirectory() === true) return inner;
  if (entry?.isFile() === true) {
    const named = /^gitdir: (.+)$/m.exec(readFileSync(inner, 'utf8'))?.[1];
    return named === undefined ? null : path.resolve(folder, named.trim());
  }
  const bare = statSync(path.join(folder, 'objects'), { throwIfNoEntry: false })?.isDirectory() === true;
  return bare ? folder : null;
}

/**
 * What a folder's repository says of itself, read as text: git is not started in a folder nobody has vouched for.
 * `branch` is null where HEAD names no branch. Error: `AC_PROJECT_NOT_REPOSITORY`.
 */
export function readRepositoryFolder(
  folder: string,
): Result<{ readonly path: string; readonly branch: string | null }> {
  try {
    const real = realpathSync(folder);
    const git = gitFolder(real);
    if (git === null) return failure(errors.AC_PROJECT_NOT_REPOSITORY({ path: folder }));
    const head = readFileSync(path.join(git, 'HEAD'), 'utf8').slice(0, 4096);
    return success({ path: real, branch: /^ref: refs\/heads\/(.+)$/m.exec(head)?.[1]?.trim() ?? null });
  } catch (cause) {
    return failure(errors.AC_PROJECT_NOT_REPOSITORY({ path: folder }, cause));
  }
}
