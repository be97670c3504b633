import { pathToFileURL } from 'node:url';
import { failure, success, type Result } from '@agentcompany/protocol';
import { holdsCommit, isAncestor, readReference, type BareRepository } from '../../git/bare-repository.ts';
import { plainTitle } from '../../text/plain-title.ts';
import type { RunProcess } from '../../git/capped-process.ts';
import { findMerge, mergeOne } from '../../git/merge.ts';
import { judgeBranch } from '../../git/reference-policy.ts';
import { createGitRunner, type ArgumentsHook } from '../../git/runner.ts';
import { forgeErrors } from '../errors.ts';
import type { Forge, PullRequest, PullRequestDraft } from '../forge.ts';
import { checkedOutAt, openLocalRepository } from './local-repository.ts';
import type { PullRequestRecord } from './pull-request-record.ts';
import { openRecordStore, type RecordStore } from './record-store.ts';

export interface LocalForgeOptions {
  /** Absolute folder of the records, one JSON file a pull request. */
  readonly folder: string;
  /** Absolute folder of the repository: bare, or one with a work tree. */
  readonly repository: string;
  /** Called right after each step that a restart will find done. */
  readonly onDurableStep?: (name: string) => void;
  readonly onArguments?: ArgumentsHook;
  /** Starts git; from this process where absent. */
  readonly runProcess?: RunProcess;
}

interface Context {
  readonly store: RecordStore;
  readonly repository: () => Promise<Result<BareRepository>>;
  readonly onDurableStep: (name: string) => void;
}

/**
 * Pull requests on this machine: records beside a local repository. What a person does there by hand is seen: a branch
 * merged with git is a merged pull request, a deleted branch a closed one.
 */
export function openLocalForge(options: LocalForgeOptions): Forge {
  const run = createGitRunner(options.onArguments, options.runProcess);
  const context: Context = {
    store: openRecordStore(options.folder),
    repository: () => openLocalRepository(options.repository, run),
    onDurableStep: options.onDurableStep ?? (() => undefined),
  };
  return {
    openPullRequest: (draft) => openPullRequest(context, draft),
    findByKey: async (key) => {
      const all = await listPullRequests(context);
      return all.ok ? success(all.value.find((record) => record.key === key) ?? null) : all;
    },
    listPullRequests: () => listPullRequests(context),
    showPullRequest: (number) => showPullRequest(context, number),
    mergePullRequest: (number) => mergePullRequest(context, number),
  };
}

async function openPullRequest(context: Context, draft: PullRequestDraft): Promise<Result<PullRequest>> {
  const repository = await context.repository();
  if (!repository.ok) return repository;
  const known = await context.store.list();
  if (!known.ok) return known;
  const present = known.value.find((record) => record.key === draft.key);
  if (present !== undefined) return refresh(context, repository.value, present);
  const head = await branchTip(repository.value, draft.branch);
  if (!head.ok) return head;
  const base = await branchTip(repository.value, draft.base);
  if (!base.ok) return base;
  const { key, branch, base: baseBranch, title, body } = draft;
  const made = (number: number, file: string): PullRequestRecord => ({
    version: 1,
    key,
    number,
    url: pathToFileURL(file).href,
    branch,
    base: baseBranch,
    title,
    body,
    draft: draft.draft,
    state: 'open',
    created_at: new Date().toISOString(),
    base_oid: base.value,
    head_oid: head.value,
    merge_oid: null,
  });
  const added = await context.store.add(made, key);
  if (!added.ok) return added;
  context.onDurableStep('pull-request-recorded');
  return success(pullRequest(added.value));
}

async function listPullRequests(context: Context): Promise<Result<readonly PullRequest[]>> {
  const records = await context.store.list();
  if (!records.ok || records.value.length === 0) return records;
  const repository = await context.repository();
  if (!repository.ok) return repository;
  const all: PullRequest[] = [];
  for (const record of records.value) {
    const seen = await refresh(context, repository.value, record);
    if (!seen.ok) return seen;
    all.push(seen.value);
  }
  return success(all);
}

async function showPullRequest(context: Context, number: number): Promise<Result<PullRequest>> {
  const all = await listPullRequests(context);
  if (!all.ok) return all;
  const found = all.value.find((record) => record.number === number);
  return found === undefined ? failure(forgeErrors.AC_PULL_REQUEST_UNKNOWN({ number })) : success(found);
}

/** Tries of a merge whose base moves under it: by a push, or by another merge, which may be this very one. */
const maximumTries = 5;

async function mergePullRequest(context: Context, number: number): Promise<Result<PullRequest>> {
  for (let tries = 1; ; tries += 1) {
    const merged = await tryToMerge(context, number);
    if (merged.ok || merged.error.code !== 'AC_GIT_REFERENCE_MOVED' || tries === maximumTries) return merged;
  }
}

async function tryToMerge(context: Context, number: number): Promise<Result<PullRequest>> {
  const shown = await showPullRequest(context, number);
  if (!shown.ok) return shown;
  const { state, branch, base, title } = shown.value;
  if (state === 'merged') return shown;
  if (state === 'closed') return failure(forgeErrors.AC_PULL_REQUEST_CLOSED({ number }));
  const repository = await context.repository();
  if (!repository.ok) return repository;
  const checkedOut = await checkedOutAt(repository.value, base);
  if (!checkedOut.ok) return checkedOut;
  if (checkedOut.value !== null) {
    return failure(forgeErrors.AC_PULL_REQUEST_CHECKED_OUT({ base, branch, folder: checkedOut.value }));
  }
  const head = await branchTip(repository.value, branch);
  if (!head.ok) return head;
  const { onDurableStep } = context;
  const merged = await mergeOne(
    { workshop: repository.value, home: repository.value, reference: `refs/heads/${base}`, onDurableStep },
    {
      commit: head.value,
      message: `Merge pull request ${number}: ${plainTitle(title)}\n\nPull-request: ${number}\n`,
    },
  );
  if (!merged.ok) return merged;
  if (merged.value.outcome === 'conflict') {
    const paths = merged.value.conflicts.join(', ');
    return failure(forgeErrors.AC_PULL_REQUEST_CONFLICT({ number, base, paths }));
  }
  return showPullRequest(context, number);
}

/** An open record brought up to what the repository shows: merged, or its branch gone. */
async function refresh(
  context: Context,
  repository: BareRepository,
  record: PullRequestRecord,
): Promise<Result<PullRequest>> {
  if (record.state !== 'open') return success(pullRequest(record));
  const tip = await readReference(repository, `refs/heads/${record.branch}`);
  if (!tip.ok) return tip;
  const head = tip.value ?? record.head_oid;
  const held = tip.value === null ? await holdsCommit(repository, head) : success(true);
  if (!held.ok) return held;
  // A branch that was deleted leaves its commits to git's clean-up: then nothing can contain them.
  const mergeOid = held.value ? await mergeOf(repository, record.base, head) : success(null);
  if (!mergeOid.ok) return mergeOid;
  if (mergeOid.value === null && tip.value !== null) return success(pullRequest(record));
  const next: PullRequestRecord =
    mergeOid.value === null
      ? { ...record, state: 'closed' }
      : { ...record, state: 'merged', merge_oid: mergeOid.value, head_oid: head };
  await context.store.replace(next);
  context.onDurableStep('pull-request-ended');
  return success(pullRequest(next));
}

/** The commit on the base that brought `head` in; null while the base does not contain it. */
async function mergeOf(repository: BareRepository, base: string, head: string): Promise<Result<string | null>> {
  const tip = await readReference(repository, `refs/heads/${base}`);
  if (!tip.ok || tip.value === null) return tip;
  const contained = await isAncestor(repository, head, tip.value);
  if (!contained.ok || !contained.value) return contained.ok ? success(null) : contained;
  const merge = await findMerge(repository, head, tip.value);
  if (!merge.ok) return merge;
  return success(merge.value.outcome === 'merged' ? merge.value.tipAfter : null);
}

async function branchTip(repository: BareRepository, branch: string): Promise<Result<string>> {
  const judged = judgeBranch(branch);
  if (!judged.ok) return judged;
  const tip = await readReference(repository, `refs/heads/${branch}`);
  if (!tip.ok) return tip;
  return tip.value === null ? failure(forgeErrors.AC_PULL_REQUEST_BRANCH_UNKNOWN({ branch })) : success(tip.value);
}

function pullRequest({ version: _version, ...rest }: PullRequestRecord): PullRequest {
  return rest;
}
