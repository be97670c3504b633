import { failure, success, type Result } from '@agentcompany/protocol';
import { holdsCommit, isAncestor, readCommits, readReference } from './bare-repository.ts';
import { mergeMessage } from './commit-message.ts';
import { findConflictMarkers } from './conflict-markers.ts';
import { diffText } from './diff-text.ts';
import { gitErrors } from './errors.ts';
import { followLedger } from './follow-ledger.ts';
import { ingestBundle } from './ingest/ingest.ts';
import { listFiles } from './list-files.ts';
import { createMergeQueue, type MergeQueue } from './merge-queue.ts';
import { findContained, type MergeTarget } from './merge.ts';
import { fetchBranches, fetchedBranchTip, openRemote } from './mirror.ts';
import type { RepositoriesContext } from './repositories-context.ts';
import { packOutgoing } from './outgoing-pack.ts';
import { assertMergeTarget } from './protected-branch.ts';
import { judgePushBranch, pushBranch } from './push.ts';
import { changedPath, rawChanges } from './raw-diff.ts';
import { readText } from './read-text.ts';
import { attemptReference, judgeBranch, judgeObjectName, runReference } from './reference-policy.ts';
import { judgeSource, type Remote } from './remote.ts';
import type { MergeOutcome, ProjectRepositories } from './repositories.ts';
import { outputText } from './runner.ts';
import { scanNew } from './scan-new.ts';
import { updateReference } from './update-reference.ts';

/** Bytes of a file that is read as text. */
const textLimit = 1024 * 1024;

/** The methods of the port over prepared folders. */
export function createRepositories(context: RepositoriesContext): ProjectRepositories {
  const merges = createMergeQueue(context.exclusively, context.options.quarantineFolder);
  return {
    mirrorFolder: context.mirror.folder,
    synchronize: () => context.exclusively(() => synchronize(context)),
    branchTip: (branch) => branchTip(context, branch),
    listFiles: async (commit) => {
      const prepared = await context.prepare();
      if (!prepared.ok) return prepared;
      const judged = judgeObjectName(commit);
      return judged.ok ? listFiles(context.mirror, commit) : judged;
    },
    readText: async (commit, path) => {
      const prepared = await context.prepare();
      if (!prepared.ok) return prepared;
      const judged = judgeObjectName(commit);
      return judged.ok ? readText(context.mirror, { commit, path, maxBytes: textLimit }) : judged;
    },
    createRunBranch: (runId, oid) => context.exclusively(() => createRunBranch(context, runId, oid)),
    followLedger: (tip) =>
      context.exclusively(async () => {
        const prepared = await context.prepare();
        return prepared.ok ? followLedger(context.mirror, tip) : prepared;
      }),
    runTip: (runId) => runTip(context, runId),
    packFor: (request) => packFor(context, request),
    ingest: async (request) => {
      const prepared = await context.prepare();
      if (!prepared.ok) return prepared;
      const { mirror, vault, limits, onDurableStep, options } = context;
      const folders = { folder: options.quarantineFolder, mirrorFolder: mirror.folder };
      return ingestBundle(request, { ...folders, run: vault.run, limits, vault, onDurableStep });
    },
    merge: (request) => mergeAttempt(context, merges, request),
    mergeBase: (request) => mergeMovedBase(context, merges, request),
    changes: async (from, to) => {
      const judged = await judgeCommits(context, [from, to]);
      if (!judged.ok) return judged;
      const changes = await rawChanges(context.vault, from, to);
      return changes.ok ? success(changes.value.map(changedPath)) : changes;
    },
    diffText: async (from, to) => {
      const judged = await judgeCommits(context, [from, to]);
      return judged.ok ? diffText(context.vault, from, to) : judged;
    },
    scanNew: async (request) => {
      const judged = await judgeCommits(context, [request.from, request.to]);
      return judged.ok ? scanNew(context.vault, request) : judged;
    },
    conflictMarkers: async (commit, paths) => {
      const prepared = await context.prepare();
      if (!prepared.ok) return prepared;
      const judged = judgeObjectName(commit);
      return judged.ok ? findConflictMarkers(context.vault, commit, paths) : judged;
    },
    diffStat: (from, to) => diffStat(context, from, to),
    push: (request) => push(context, request),
  };
}

async function remoteOf(context: RepositoriesContext): Promise<Result<Remote>> {
  const judged = judgeSource(context.options.source);
  if (!judged.ok) return judged;
  const prepared = await context.prepare();
  if (!prepared.ok) return prepared;
  return openRemote(context.options.source, `${context.options.vaultFolder}.remote`);
}

async function synchronize(context: RepositoriesContext): Promise<Result<undefined>> {
  const remote = await remoteOf(context);
  if (!remote.ok) return remote;
  const fetched = await fetchBranches(context.mirror, remote.value);
  if (fetched.ok) context.onDurableStep('mirror-synchronized');
  return fetched;
}

async function branchTip(context: RepositoriesContext, branch: string): Promise<Result<string>> {
  const judged = judgeBranch(branch);
  if (!judged.ok) return judged;
  const prepared = await context.prepare();
  return prepared.ok ? fetchedBranchTip(context.mirror, branch) : prepared;
}

async function createRunBranch(context: RepositoriesContext, runId: string, oid: string): Promise<Result<undefined>> {
  const reference = runReference(runId);
  if (!reference.ok) return reference;
  const judged = judgeObjectName(oid);
  if (!judged.ok) return judged;
  const prepared = await context.prepare();
  if (!prepared.ok) return prepared;
  const present = await readReference(context.mirror, reference.value);
  if (!present.ok) return present;
  if (present.value !== null) return success();
  const held = await holdsCommit(context.mirror, oid);
  if (!held.ok) return held;
  if (!held.value) return failure(gitErrors.AC_OBJECT_NAME_INVALID({ value: oid }));
  const created = await updateReference(context.mirror, { reference: reference.value, next: oid, previous: null });
  if (created.ok) context.onDurableStep('run-branch-created');
  return created;
}

async function runTip(context: RepositoriesContext, runId: string): Promise<Result<string>> {
  const reference = runReference(runId);
  if (!reference.ok) return reference;
  const prepared = await context.prepare();
  if (!prepared.ok) return prepared;
  const tip = await readReference(context.mirror, reference.value);
  if (!tip.ok) return tip;
  return tip.value === null ? failure(gitErrors.AC_BRANCH_UNKNOWN({ branch: reference.value })) : success(tip.value);
}

async function packFor(
  context: RepositoriesContext,
  { runId, have }: Parameters<ProjectRepositories['packFor']>[0],
): ReturnType<ProjectRepositories['packFor']> {
  for (const oid of have) {
    const judged = judgeObjectName(oid);
    if (!judged.ok) return judged;
  }
  const found = await runTip(context, runId);
  if (!found.ok) return found;
  const tip = found.value;
  if (have.includes(tip)) return success({ tip, pack: null });
  const pack = await packOutgoing(context.mirror, { tip, have, folder: context.vault.folder });
  return pack.ok ? success({ tip, pack: pack.value }) : pack;
}

/** Where a run's merges go, once the guard of merges has let its reference through. */
function mergeTarget(context: RepositoriesContext, runId: string): Result<MergeTarget> {
  const reference = runReference(runId);
  if (!reference.ok) return reference;
  for (const branch of context.options.protectedBranches) {
    const allowed = assertMergeTarget(reference.value, { defaultBranch: branch, integrationBranch: branch });
    if (!allowed.ok) return allowed;
  }
  const { mirror: home, vault: workshop, onDurableStep } = context;
  return success({ home, workshop, reference: reference.value, onDurableStep });
}

async function mergeAttempt(
  context: RepositoriesContext,
  merges: MergeQueue,
  request: Parameters<ProjectRepositories['merge']>[0],
): Promise<Result<MergeOutcome>> {
  const target = mergeTarget(context, request.runId);
  if (!target.ok) return target;
  const source = attemptReference(request.attemptId);
  if (!source.ok) return source;
  const prepared = await context.prepare();
  if (!prepared.ok) return prepared;
  const ingested = await readReference(context.vault, source.value);
  if (!ingested.ok) return ingested;
  if (ingested.value === null || ingested.value !== request.commit) {
    return failure(
      gitErrors.AC_OBJECT_NAME_INVALID({ value: request.commit }, 'it is not the ingested commit of the attempt'),
    );
  }
  const message = mergeMessage(request.title, request.attemptId);
  return merges(target.value, { commit: request.commit, message });
}

async function mergeMovedBase(
  context: RepositoriesContext,
  merges: MergeQueue,
  request: { readonly runId: string; readonly oid: string },
): Promise<Result<MergeOutcome>> {
  const target = mergeTarget(context, request.runId);
  if (!target.ok) return target;
  const judged = judgeObjectName(request.oid);
  if (!judged.ok) return judged;
  const prepared = await context.prepare();
  if (!prepared.ok) return prepared;
  const held = await holdsCommit(context.mirror, request.oid);
  if (!held.ok) return held;
  if (!held.value) return failure(gitErrors.AC_OBJECT_NAME_INVALID({ value: request.oid }));
  const contained = await outcomeWithoutMerge(context, target.value.reference, request.oid);
  if (!contained.ok) return contained;
  if (contained.value !== null) return success(contained.value);
  const message = `Merge the moved base into the run\n\nBase: ${request.oid}\n`;
  return merges(target.value, { commit: request.oid, message });
}

/** Most bases have not moved: what is contained needs no merge to be tried. Null where it is not. */
async function outcomeWithoutMerge(
  { mirror }: RepositoriesContext,
  reference: string,
  oid: string,
): Promise<Result<MergeOutcome | null>> {
  const tip = await readReference(mirror, reference);
  if (!tip.ok) return tip;
  if (tip.value === null) return failure(gitErrors.AC_BRANCH_UNKNOWN({ branch: reference }));
  const contained = await isAncestor(mirror, oid, tip.value);
  if (!contained.ok) return contained;
  return contained.value ? findContained(mirror, oid, tip.value) : success(null);
}

async function judgeCommits(context: RepositoriesContext, oids: readonly string[]): Promise<Result<undefined>> {
  const prepared = await context.prepare();
  if (!prepared.ok) return prepared;
  for (const oid of oids) {
    const judged = judgeObjectName(oid);
    if (!judged.ok) return judged;
  }
  const held = await readCommits(context.vault, oids);
  if (!held.ok) return held;
  const missing = oids.find((oid) => !held.value.has(oid));
  return missing === undefined ? success() : failure(gitErrors.AC_OBJECT_NAME_INVALID({ value: missing }));
}

async function diffStat(context: RepositoriesContext, from: string, to: string): Promise<Result<string>> {
  const judged = await judgeCommits(context, [from, to]);
  if (!judged.ok) return judged;
  const answer = await context.vault.run({
    arguments: ['diff', '--stat=72', '--no-color', '--no-ext-diff', '--no-textconv', '--end-of-options', from, to],
    gitDir: context.vault.folder,
    outputLimit: 4 * 1024 * 1024,
  });
  return answer.ok ? success(outputText(answer.value)) : answer;
}

async function push(
  context: RepositoriesContext,
  request: Parameters<ProjectRepositories['push']>[0],
): Promise<Result<undefined>> {
  const branch = judgePushBranch(request.branch, context.options.protectedBranches);
  if (!branch.ok) return branch;
  const oid = judgeObjectName(request.oid);
  if (!oid.ok) return oid;
  const tip = await runTip(context, request.runId);
  if (!tip.ok) return tip;
  const merged = await isAncestor(context.mirror, request.oid, tip.value);
  if (!merged.ok) return merged;
  if (!merged.value)
    return failure(gitErrors.AC_OBJECT_NAME_INVALID({ value: request.oid }, 'it is not on the run branch'));
  const remote = await remoteOf(context);
  if (!remote.ok) return remote;
  return pushBranch(context.mirror, remote.value, { ...request, onDurableStep: context.onDurableStep });
}
