import { existsSync } from 'node:fs';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { failure, success, type Result } from '@agentcompany/protocol';
import { syncFile, syncFolder } from './durable.ts';
import { gitErrors } from './errors.ts';
import { outputText, type GitRunner } from './runner.ts';

/** A bare repository of ours and how calls reach it. */
export interface BareRepository {
  readonly folder: string;
  readonly run: GitRunner;
}

export interface BareRepositoryOptions {
  /** Readable by every user of the machine: workers read the mirror under another uid. */
  readonly worldReadable: boolean;
  /** Folder of the repository whose objects are borrowed. */
  readonly borrowsFrom?: string;
}

/** Creates the repository unless it is whole already; a creation that was interrupted is finished. */
export async function openBareRepository(
  repository: BareRepository,
  options: BareRepositoryOptions,
): Promise<Result<undefined>> {
  const finished = path.join(repository.folder, 'agentcompany-ready');
  if (existsSync(finished)) return success();
  await mkdir(repository.folder, { recursive: true, mode: options.worldReadable ? 0o755 : 0o700 });
  await chmod(repository.folder, options.worldReadable ? 0o755 : 0o700);
  const shared = options.worldReadable ? ['--shared=0644'] : [];
  const created = await repository.run({
    arguments: ['init', '--quiet', '--bare', '--initial-branch=main', '--object-format=sha1', ...shared],
    silent: true,
    gitDir: repository.folder,
  });
  if (!created.ok) return created;
  if (options.borrowsFrom !== undefined) {
    const alternates = path.join(repository.folder, 'objects', 'info', 'alternates');
    await writeFile(alternates, `${path.join(options.borrowsFrom, 'objects')}\n`);
    await syncFile(alternates);
  }
  await writeFile(finished, '');
  await syncFile(finished);
  await syncFolder(repository.folder);
  return success();
}

/** What a reference stands at; null where it does not exist. */
export async function readReference(repository: BareRepository, reference: string): Promise<Result<string | null>> {
  const loose = await readLooseReference(repository.folder, reference);
  if (loose !== undefined) return success(loose);
  const answer = await repository.run({
    arguments: ['rev-parse', '--verify', '--quiet', '--end-of-options', `${reference}^{commit}`],
    silent: true,
    gitDir: repository.folder,
    answers: [0, 1],
  });
  if (!answer.ok) return answer;
  return success(answer.value.exitCode === 0 ? outputText(answer.value) : null);
}

/**
 * What git itself would look at: the file of a reference, and that there is no file of packed ones (gitrepository-layout(5)).
 * Nothing packs ours, and they are read often, each time a program's start. Undefined where git has to be asked.
 */
async function readLooseReference(folder: string, reference: string): Promise<string | null | undefined> {
  if (!/^refs\/agentcompany\/[\w-]+(?:\/[\w-]+)*$/u.test(reference)) return undefined;
  try {
    const content = await readFile(path.join(folder, reference), 'utf8');
    return /^([0-9a-f]{40})\n$/u.exec(content)?.[1];
  } catch (problem) {
    const isAbsent = problem instanceof Error && 'code' in problem && problem.code === 'ENOENT';
    return isAbsent && !existsSync(path.join(folder, 'packed-refs')) ? null : undefined;
  }
}

/** Whether the repository (or what it borrows from) holds the commit. */
export async function holdsCommit(repository: BareRepository, oid: string): Promise<Result<boolean>> {
  const answer = await repository.run({
    arguments: ['cat-file', '--batch-check=%(objecttype)'],
    gitDir: repository.folder,
    input: `${oid}\n`,
  });
  return answer.ok ? success(outputText(answer.value) === 'commit') : answer;
}

/** Whether `ancestor` is reachable from `descendant` (a commit is its own ancestor). */
export async function isAncestor(
  repository: BareRepository,
  ancestor: string,
  descendant: string,
): Promise<Result<boolean>> {
  const answer = await repository.run({
    arguments: ['merge-base', '--is-ancestor', '--end-of-options', ancestor, descendant],
    silent: true,
    gitDir: repository.folder,
    answers: [0, 1],
  });
  return answer.ok ? success(answer.value.exitCode === 0) : answer;
}

/** What a commit says that we go by. */
export interface CommitFacts {
  readonly tree: string;
  readonly parents: readonly string[];
  /** Seconds since 1970 of the committer's date. */
  readonly seconds: number;
}

/** The facts of commits by object name, in one call; names of nothing, and of what is no commit, are absent. */
export async function readCommits(
  repository: BareRepository,
  oids: readonly string[],
): Promise<Result<ReadonlyMap<string, CommitFacts>>> {
  const answer = await repository.run({
    arguments: [
      'log',
      '--no-walk=unsorted',
      '--ignore-missing',
      '--no-show-signature',
      '--format=%H %T %ct %P',
      '--end-of-options',
      ...oids,
    ],
    silent: true,
    gitDir: repository.folder,
  });
  if (!answer.ok) return answer;
  const facts = new Map<string, CommitFacts>();
  for (const line of outputText(answer.value).split('\n')) {
    const [commit = '', tree = '', seconds = '', ...parents] = line.split(' ');
    if (commit !== '') facts.set(commit, { tree, parents, seconds: Number(seconds) });
  }
  const undated = [...facts].find(([, { seconds }]) => !Number.isSafeInteger(seconds));
  if (undated === undefined) return success(facts);
  return failure(gitErrors.AC_OBJECT_NAME_INVALID({ value: undated[0] }, 'its date cannot be read'));
}

/** The facts of one commit. Error: `AC_OBJECT_NAME_INVALID` where there is none. */
export async function readCommit(repository: BareRepository, oid: string): Promise<Result<CommitFacts>> {
  const facts = await readCommits(repository, [oid]);
  if (!facts.ok) return facts;
  const found = facts.value.get(oid);
  return found === undefined ? failure(gitErrors.AC_OBJECT_NAME_INVALID({ value: oid })) : success(found);
}
