import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { failure, success, type AppError, type IngestedCommit, type Result } from '@agentcompany/protocol';
import { isAncestor, readCommits, readReference, type BareRepository, type CommitFacts } from '../bare-repository.ts';
import { writeBotCommit } from '../bot-commit.ts';
import { attemptMessage } from '../commit-message.ts';
import { describeCommit, describeDiff } from '../describe-commit.ts';
import { gitErrors } from '../errors.ts';
import { attemptReference, judgeObjectName } from '../reference-policy.ts';
import type { IngestRequest } from '../repositories.ts';
import { transferObjects } from '../transfer.ts';
import { updateReference } from '../update-reference.ts';
import { judgeTree } from './judge-tree.ts';
import { judgeObjectSizes } from './object-sizes.ts';
import { openQuarantine, unpackBundle, type QuarantineOptions } from './quarantine.ts';

export interface IngestOptions extends QuarantineOptions {
  readonly vault: BareRepository;
  readonly onDurableStep: (name: string) => void;
}

/** Seconds a worker's clock may run ahead of ours before its date is not believed. */
const clockTolerance = 86_400;

/**
 * Takes a worker's bundle through quarantine and checks into the vault, as one commit in the bot's name on its base.
 * Only what that commit reaches is kept. Repeated, it answers from the vault. Errors: those of `ProjectRepositories.ingest`.
 */
export async function ingestBundle(request: IngestRequest, options: IngestOptions): Promise<Result<IngestedCommit>> {
  const reference = attemptReference(request.attemptId);
  if (!reference.ok) return reference;
  for (const oid of [request.baseOid, request.claimedCommit]) {
    const judged = judgeObjectName(oid);
    if (!judged.ok) return judged;
  }
  const present = await readReference(options.vault, reference.value);
  if (!present.ok) return present;
  // The bundle goes once its result is kept: where it is there, it is the attempt's, whatever a ledger that was put back left in the vault.
  if (present.value !== null && !existsSync(request.bundleFile)) {
    return answerFromVault(request, options, present.value);
  }
  const quarantine = await openQuarantine(request.attemptId, options);
  try {
    const accepted = await acceptBundle(quarantine, request, options);
    if (!accepted.ok) return failure(blameWorker(request.attemptId, accepted.error));
    const { commit } = accepted.value;
    const stored = await store(quarantine, request, {
      ...options,
      commit,
      reference: reference.value,
      previous: present.value,
    });
    return stored.ok ? accepted : stored;
  } finally {
    await rm(quarantine.folder, { recursive: true, force: true });
  }
}

/** What an earlier ingest of the attempt found; one on another base is not this attempt's. */
async function answerFromVault(
  request: IngestRequest,
  options: IngestOptions,
  commit: string,
): Promise<Result<IngestedCommit>> {
  const parent = await readReference(options.vault, `${commit}^`);
  if (!parent.ok) return parent;
  if (parent.value === request.baseOid) return describeCommit(options.vault, request.baseOid, commit);
  const { attemptId: attempt } = request;
  return failure(gitErrors.AC_INGEST_REFUSED({ attempt, rule: 'base-changed' }, 'the vault has it on another base'));
}

/** A clock or a cap that a worker's own data ran into is a limit of the result, not a fault of this machine to be tried again. */
function blameWorker(attempt: string, error: AppError): AppError {
  if (error.code !== 'AC_GIT_TIMEOUT' && error.code !== 'AC_GIT_OUTPUT_TOO_LARGE') return error;
  return gitErrors.AC_INGEST_TOO_LARGE({ attempt, limit: 'what a check may take' }, error);
}

/** All checks, then the rewritten commit, in quarantine. */
async function acceptBundle(
  quarantine: BareRepository,
  request: IngestRequest,
  options: IngestOptions,
): Promise<Result<IngestedCommit>> {
  const unpacked = await unpackBundle(quarantine, request, options.limits);
  if (!unpacked.ok) return unpacked;
  options.onDurableStep('quarantine-unpacked');
  const ends = await readEnds(quarantine, request);
  if (!ends.ok) return ends;
  const { attemptId, claimedCommit, baseOid: base } = request;
  const subject = { attemptId, commit: claimedCommit, base };
  const [descends, sizes] = await Promise.all([
    descendsFrom(quarantine, base, claimedCommit, ends.value.claimed),
    judgeObjectSizes(quarantine, subject, options.limits),
  ]);
  if (!descends.ok) return descends;
  if (!descends.value) return failure(gitErrors.AC_INGEST_NOT_DESCENDANT({ attempt: attemptId }));
  if (!sizes.ok) return sizes;
  const diff = await judgeTree(quarantine, subject, options.limits);
  if (!diff.ok) return diff;
  const commit = await rewriteCommit(quarantine, request, ends.value);
  if (!commit.ok) return commit;
  // The rewritten commit has the judged tree and base: their difference is its own.
  return describeDiff(quarantine, { commit: commit.value, tree: ends.value.claimed.tree, base, diff: diff.value });
}

/** History is walked only for more than one step. */
async function descendsFrom(
  quarantine: BareRepository,
  base: string,
  commit: string,
  { parents }: CommitFacts,
): Promise<Result<boolean>> {
  return parents.includes(base) ? success(true) : isAncestor(quarantine, base, commit);
}

interface Ends {
  readonly base: CommitFacts;
  readonly claimed: CommitFacts;
}

/** Both commits the request names must be there, and be commits. */
async function readEnds(quarantine: BareRepository, request: IngestRequest): Promise<Result<Ends>> {
  const { attemptId: attempt, baseOid, claimedCommit } = request;
  const commits = await readCommits(quarantine, [baseOid, claimedCommit]);
  if (!commits.ok) return commits;
  const base = commits.value.get(baseOid);
  const claimed = commits.value.get(claimedCommit);
  if (base !== undefined && claimed !== undefined) return success({ base, claimed });
  const missing = base === undefined ? baseOid : claimedCommit;
  return failure(gitErrors.AC_INGEST_REFUSED({ attempt, rule: 'commit-missing' }, missing));
}

/** One commit on the base with the final tree: what the worker wrote about author, date, message and steps in between is gone. */
function rewriteCommit(
  quarantine: BareRepository,
  request: IngestRequest,
  { base, claimed }: Ends,
): Promise<Result<string>> {
  const believable = claimed.seconds >= base.seconds && claimed.seconds <= Date.now() / 1000 + clockTolerance;
  return writeBotCommit(quarantine, {
    tree: claimed.tree,
    parents: [request.baseOid],
    message: attemptMessage(request.title, request.attemptId),
    seconds: believable ? claimed.seconds : base.seconds,
  });
}

async function store(
  quarantine: BareRepository,
  request: IngestRequest,
  options: IngestOptions & { readonly commit: string; readonly reference: string; readonly previous: string | null },
): Promise<Result<undefined>> {
  const brought = await transferObjects(quarantine, options.vault, {
    include: [options.commit],
    exclude: [request.baseOid],
  });
  if (!brought.ok) return brought;
  options.onDurableStep('vault-objects');
  const stored = await updateReference(options.vault, {
    reference: options.reference,
    next: options.commit,
    previous: options.previous,
  });
  if (stored.ok) options.onDurableStep('vault-reference');
  return stored;
}
