import { constants } from 'node:fs';
import { lstat, mkdir, open, realpath, type FileHandle } from 'node:fs/promises';
import { dirname, isAbsolute, join, relative, sep } from 'node:path';
import { failure, success, type Result } from '@agentcompany/protocol';

/**
 * Keeps the file tools inside the repository (C25). These checks protect the agent from its own mistakes: everything in the
 * container is the agent's anyway, by `run_command`. The wall is the container (docs/security.md).
 */
type Place = Result<string, string>;

const outside = (path: string, why: string): Place => failure(`${path} is refused: ${why}`);

function wordsProblem(path: string): string | null {
  if (path === '' || path.includes('\0')) return 'it is no path';
  if (isAbsolute(path)) return 'give a path relative to the repository, not an absolute one';
  const parts = path.split(/[/\\]/);
  if (parts.includes('..')) return 'it leads out of the repository';
  return parts.some((part) => part.toLowerCase() === '.git') ? '.git is not yours to read or change' : null;
}

/** Whether a real path lies in the repository, and not among git's own files. */
function realProblem(root: string, real: string): string | null {
  const inside = relative(root, real);
  if (isAbsolute(inside) || inside === '..' || inside.startsWith(`..${sep}`))
    return 'a link on its way leads out of the repository';
  return inside.split(sep).some((part) => part.toLowerCase() === '.git') ? 'a link on its way leads to .git' : null;
}

async function realOrNull(path: string): Promise<string | null> {
  return realpath(path).catch(() => null);
}

/** The real path of something that exists in the repository. */
export async function findInside(root: string, path: string): Promise<Place> {
  const wrong = wordsProblem(path);
  if (wrong !== null) return outside(path, wrong);
  const realRoot = await realpath(root);
  const real = await realOrNull(join(realRoot, path));
  if (real === null) return outside(path, 'there is no such file or folder');
  const problem = realProblem(realRoot, real);
  return problem === null ? success(real) : outside(path, problem);
}

/** The real path that a file to be written has, its folders made; a link is followed where it stays inside. */
export async function placeInside(root: string, path: string): Promise<Place> {
  const wrong = wordsProblem(path);
  if (wrong !== null) return outside(path, wrong);
  const realRoot = await realpath(root);
  const wanted = join(realRoot, path);
  const isThere = await lstat(wanted).then(
    () => true,
    () => false,
  );
  if (isThere) return findInside(root, path);
  let ancestor = dirname(wanted);
  for (let real = await realOrNull(ancestor); real === null; real = await realOrNull(ancestor))
    ancestor = dirname(ancestor);
  const problem = realProblem(realRoot, await realpath(ancestor));
  if (problem !== null) return outside(path, problem);
  await mkdir(dirname(wanted), { recursive: true });
  return success(join(await realpath(dirname(wanted)), wanted.slice(dirname(wanted).length + 1)));
}

/**
 * Opens a file at a real path that was found inside: not through a link that took its place meanwhile, nor in a folder that was
 * exchanged for a link, and nothing but a regular file, since a pipe would never answer.
 */
export async function openInside(path: string, real: string, flags: number): Promise<Result<FileHandle, string>> {
  const handle = await open(real, flags | constants.O_NOFOLLOW | constants.O_NONBLOCK, 0o666).catch(
    (error: NodeJS.ErrnoException) => error,
  );
  if (handle instanceof Error) return failure(`${path} cannot be opened: ${handle.code ?? ''}`);
  const parent = await realOrNull(dirname(real));
  if (parent === dirname(real) && (await handle.stat()).isFile()) return success(handle);
  await handle.close();
  return failure(`${path} is not a regular file`);
}
