import { rm } from 'node:fs/promises';
import { failure, success, type AppError, type IngestedCommit, type Result } from '@agentcompany/protocol';
import {
  commitSeconds,
  holdsCommit,
  isAncestor,
  readReference,
  treeOf,
  type BareRepository,
} from '../bare-repository.ts';
import { writeBotCommit } from '../bot-commit.ts';
import { attemptMessage } from '../commit-message.ts';
import { describeCommit } from '../describe-commit.ts';
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
  if (present.value !== null) return answerFromVault(request, options, present.value);
  const quarantine = await openQuarantine(request.attemptId, options);
  if (!quarantine.ok) return quarantine;
  try {
    const commit = await acceptBundle(quarantine.value, request, options);
    if (!commit.ok) return failure(blameWorker(request.attemptId, commit.error));
    return await store(quarantine.value, request, { ...options, commit: commit.value, reference: reference.value });
  } finally {
    await rm(quarantine.value.folder, { recursive: true, force: true });
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
): Promise<Result<string>> {
  const unpacked = await unpackBundle(quarantine, request, options.limits);
  if (!unpacked.ok) return unpacked;
  options.onDurableStep('quarantine-unpacked');
  const descends = await judgeDescent(quarantine, request);
  if (!descends.ok) return descends;
  const subject = { attemptId: request.attemptId, commit: request.claimedCommit, base: request.baseOid };
  const sizes = await judgeObjectSizes(quarantine, subject, options.limits);
  if (!sizes.ok) return sizes;
  const tree = await judgeTree(quarantine, subject, options.limits);
  if (!tree.ok) return tree;
  return rewriteCommit(quarantine, request);
}

async function judgeDescent(quarantine: BareRepository, request: IngestRequest): Promise<Result<undefined>> {
  const attempt = request.attemptId;
  for (const oid of [request.baseOid, request.claimedCommit]) {
    const held = await holdsCommit(quarantine, oid);
    if (!held.ok) return held;
    if (!held.value) return failure(gitErrors.AC_INGEST_REFUSED({ attempt, rule: 'commit-missing' }, oid));
  }
  const descends = await isAncestor(quarantine, request.baseOid, request.claimedCommit);
  if (!descends.ok) return descends;
  return descends.value ? success() : failure(gitErrors.AC_INGEST_NOT_DESCENDANT({ attempt }));
}

/** One commit on the base with the final tree: what the worker wrote about author, date, message and steps in between is gone. */
async function rewriteCommit(quarantine: BareRepository, request: IngestRequest): Promise<Result<string>> {
  const tree = await treeOf(quarantine, request.claimedCommit);
  if (!tree.ok) return tree;
  const base = await commitSeconds(quarantine, request.baseOid);
  if (!base.ok) return base;
  const claimed = await commitSeconds(quarantine, request.claimedCommit);
  if (!claimed.ok) return claimed;
  const believable = claimed.value >= base.value && claimed.value <= Date.now() / 1000 + clockTolerance;
  return writeBotCommit(quarantine, {
    tree: tree.value,
    parents: [request.baseOid],
    message: attemptMessage(request.title, request.attemptId),
    seconds: believable ? claimed.value : base.value,
  });
}

async function store(
  quarantine: BareRepository,
  request: IngestRequest,
  options: IngestOptions & { readonly commit: string; readonly reference: string },
): Promise<Result<IngestedCommit>> {
  const brought = await transferObjects(quarantine, options.vault, {
    include: [options.commit],
    exclude: [request.baseOid],
  });
  if (!brought.ok) return brought;
  options.onDurableStep('vault-objects');
  const stored = await updateReference(options.vault, {
    reference: options.reference,
    next: options.commit,
    previous: null,
  });
  if (!stored.ok) return stored;
  options.onDurableStep('vault-reference');
  return describeCommit(options.vault, request.baseOid, options.commit);
}
