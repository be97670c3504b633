import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { failure, success, type Result } from '@agentcompany/protocol';
import { readReference, type BareRepository } from './bare-repository.ts';
import { syncFolder } from './durable.ts';
import { gitErrors } from './errors.ts';
import { explainRemoteFailure, judgeSource, networkTimeoutMs, type Remote } from './remote.ts';
import type { RemoteSource } from './repositories.ts';
import { outputText } from './runner.ts';
import { removeStaleFiles } from './stale-files.ts';

/** Oddities of old histories that harm nobody; every other finding of fsck refuses the fetch. */
const harmless = ['badTimezone', 'missingSpaceBeforeDate', 'zeroPaddedFilemode'].map(
  (finding) => [`fetch.fsck.${finding}`, 'ignore'] as const,
);

/**
 * The remote of a source. A folder is reached through a child of git that reads no `GIT_CONFIG_COUNT`: what it must know
 * (the folder may belong to another user; its hooks stay off) is written to a file beside the vault.
 */
export async function openRemote(source: RemoteSource, configurationFolder: string): Promise<Result<Remote>> {
  const judged = judgeSource(source);
  if (!judged.ok) return judged;
  const { url, protocol } = judged.value;
  if (!source.isFolder) return success({ url, protocols: [protocol], globalConfiguration: undefined });
  await mkdir(configurationFolder, { recursive: true, mode: 0o700 });
  const file = path.join(configurationFolder, 'folder-remote.gitconfig');
  const quoted = (value: string): string => `"${value.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
  const folders = [url, path.join(url, '.git')].map((folder) => `\tdirectory = ${quoted(folder)}\n`).join('');
  await writeFile(file, `[safe]\n${folders}[core]\n\thooksPath = /dev/null\n\tfsmonitor = false\n[gc]\n\tauto = 0\n`);
  return success({ url, protocols: [protocol], globalConfiguration: file });
}

/**
 * Brings the branches of the source into the mirror: heads only, no tags, no other references; a branch that is gone
 * there goes here, its objects stay (workers may borrow them). Errors: those of `ProjectRepositories.synchronize`.
 */
export async function fetchBranches(mirror: BareRepository, remote: Remote): Promise<Result<undefined>> {
  await removeStaleFiles(mirror.folder);
  const fetched = await mirror.run({
    arguments: [
      'fetch',
      '--quiet',
      '--prune',
      '--no-tags',
      '--no-write-fetch-head',
      '--no-auto-gc',
      '--no-recurse-submodules',
      '--end-of-options',
      remote.url,
      '+refs/heads/*:refs/heads/*',
    ],
    gitDir: mirror.folder,
    protocols: remote.protocols,
    configuration: harmless,
    timeoutMs: networkTimeoutMs,
    ...(remote.globalConfiguration === undefined ? {} : { globalConfiguration: remote.globalConfiguration }),
  });
  const explained = explainRemoteFailure(remote.url, fetched);
  if (!explained.ok) return explained;
  // git calls this a success and takes nothing.
  if (/shallow roots are not allowed/u.test(explained.value.stderr)) {
    return failure(gitErrors.AC_REPOSITORY_SHALLOW({ url: remote.url }));
  }
  await syncFolder(path.join(mirror.folder, 'objects', 'pack'));
  const any = await mirror.run({
    arguments: ['for-each-ref', '--count=1', '--format=%(objectname)', 'refs/heads/'],
    gitDir: mirror.folder,
    silent: true,
  });
  if (!any.ok) return any;
  if (outputText(any.value) === '') return failure(gitErrors.AC_REPOSITORY_EMPTY({ url: remote.url }));
  return success();
}

/** The commit of a branch of the source as last fetched. Error: `AC_BRANCH_UNKNOWN`. */
export async function fetchedBranchTip(mirror: BareRepository, branch: string): Promise<Result<string>> {
  const tip = await readReference(mirror, `refs/heads/${branch}`);
  if (!tip.ok) return tip;
  return tip.value === null ? failure(gitErrors.AC_BRANCH_UNKNOWN({ branch })) : success(tip.value);
}
