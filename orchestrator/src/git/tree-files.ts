import { failure, success, type Result } from '@agentcompany/protocol';
import type { BareRepository } from './bare-repository.ts';
import { readBlobs } from './blobs.ts';
import { gitErrors } from './errors.ts';
import { createGitRunner } from './runner.ts';
import { judgeObjectName } from './reference-policy.ts';

/** A file of a commit. `path` is relative to the folder that was asked for. */
export interface TreeFile {
  readonly path: string;
  readonly mode: '100644' | '100755' | '120000';
  readonly oid: string;
  readonly bytes: number;
}

export interface TreeLimits {
  readonly files: number;
  /** All contents together. */
  readonly bytes: number;
}

const listingBytes = 16 * 1024 * 1024;

/**
 * The files below a folder (`''`: all) of a commit that the repository in `gitDir` holds; submodules are left out. Nothing is checked out. Errors:
 * `AC_OBJECT_NAME_INVALID` where there is no such commit or folder, those of git.
 */
export async function listTree(
  gitDir: string,
  { commit, folder }: { readonly commit: string; readonly folder: string },
): Promise<Result<readonly TreeFile[]>> {
  const judged = judgeObjectName(commit);
  if (!judged.ok) return judged;
  const listed = await createGitRunner()({
    arguments: ['ls-tree', '-r', '-l', '-z', '--end-of-options', folder === '' ? commit : `${commit}:${folder}`],
    gitDir,
    outputLimit: listingBytes,
  });
  if (!listed.ok && listed.error.code === 'AC_GIT_FAILED')
    return failure(gitErrors.AC_OBJECT_NAME_INVALID({ value: `${commit}:${folder}` }, listed.error));
  if (!listed.ok) return listed;
  const entries = listed.value.stdout.toString('utf8').split('\0').slice(0, -1);
  return success(entries.flatMap((entry) => treeFile(entry) ?? []));
}

/** `<mode> <type> <object> <size>\t<path>`, see git-ls-tree(1). */
function treeFile(entry: string): TreeFile | null {
  const match = /^(100644|100755|120000) blob ([0-9a-f]{40}) +(\d+)\t(.+)$/s.exec(entry);
  if (match === null) return null;
  const [, mode, oid = '', bytes, path = ''] = match;
  return { mode: mode as TreeFile['mode'], oid, bytes: Number(bytes), path };
}

/** Contents of files by object name. Error: `AC_TREE_TOO_LARGE` where they are more than `limits` allows; those of git. */
export async function readTree(
  gitDir: string,
  files: readonly TreeFile[],
  limits: TreeLimits,
): Promise<Result<ReadonlyMap<string, Buffer>>> {
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
  if (files.length > limits.files || bytes > limits.bytes)
    return failure(gitErrors.AC_TREE_TOO_LARGE({ files: files.length, bytes }));
  const repository: BareRepository = { folder: gitDir, run: createGitRunner() };
  return readBlobs(
    repository,
    files.map(({ oid }) => oid),
    limits.bytes,
  );
}
