import { failure, success, type Result } from '@agentcompany/protocol';
import { isAncestor, readCommits, readReference, type BareRepository } from './bare-repository.ts';
import { writeBotCommit } from './bot-commit.ts';
import { gitErrors } from './errors.ts';
import type { MergeOutcome } from './repositories.ts';
import { outputText } from './runner.ts';
import { transferObjects } from './transfer.ts';
import { updateReference } from './update-reference.ts';

export interface MergeRequest {
  /** Where merges are computed: holds or borrows both sides. */
  readonly workshop: BareRepository;
  /** Where the reference stands. The workshop itself, or a repository the objects are brought into. */
  readonly home: BareRepository;
  readonly reference: string;
  readonly commit: string;
  readonly message: string;
  readonly onDurableStep: (name: string) => void;
}

type MergedTree = { readonly tree: string } | { readonly conflicts: readonly string[] };

/**
 * Merges `commit` into `reference` without a checkout, hooks or filters. A commit that is already merged is answered
 * with the merge that did it: a repeat after a crash merges once. Errors: `AC_BRANCH_UNKNOWN`, `AC_GIT_REFERENCE_MOVED`.
 */
export async function mergeInto(request: MergeRequest): Promise<Result<MergeOutcome>> {
  const tip = await readReference(request.home, request.reference);
  if (!tip.ok) return tip;
  if (tip.value === null) return failure(gitErrors.AC_BRANCH_UNKNOWN({ branch: request.reference }));
  const { workshop, commit } = request;
  const [merged, facts] = await Promise.all([
    mergeTrees(workshop, tip.value, commit),
    readCommits(workshop, [tip.value, commit]),
  ]);
  if (!merged.ok) return merged;
  if (!facts.ok) return facts;
  // What is contained already changes nothing: only then the history has to be asked.
  if ('tree' in merged.value && merged.value.tree === facts.value.get(tip.value)?.tree) {
    const contained = await isAncestor(workshop, commit, tip.value);
    if (!contained.ok) return contained;
    if (contained.value) return findMerge(workshop, commit, tip.value);
  }
  const seconds = Math.max(...[...facts.value.values()].map((known) => known.seconds));
  return mergeNew(request, { tip: tip.value, merged: merged.value, seconds });
}

interface NewMerge {
  readonly tip: string;
  readonly merged: MergedTree;
  readonly seconds: number;
}

async function mergeNew(request: MergeRequest, { tip, merged, seconds }: NewMerge): Promise<Result<MergeOutcome>> {
  if ('conflicts' in merged) return success({ outcome: 'conflict', tipBefore: tip, conflicts: merged.conflicts });
  const written = await writeBotCommit(request.workshop, {
    tree: merged.tree,
    parents: [tip, request.commit],
    message: request.message,
    seconds,
  });
  if (!written.ok) return written;
  if (request.home.folder !== request.workshop.folder) {
    const brought = await transferObjects(request.workshop, request.home, {
      include: [written.value],
      exclude: [tip],
    });
    if (!brought.ok) return brought;
    request.onDurableStep('merge-objects');
  }
  const moved = await updateReference(request.home, {
    reference: request.reference,
    next: written.value,
    previous: tip,
  });
  if (!moved.ok) return moved;
  request.onDurableStep('merge-reference');
  return success({ outcome: 'merged', tipBefore: tip, tipAfter: written.value });
}

/** Merges two commits as trees. Conflicted paths are named, the tree that holds markers is never used. */
async function mergeTrees(repository: BareRepository, ours: string, theirs: string): Promise<Result<MergedTree>> {
  const answer = await repository.run({
    arguments: ['merge-tree', '--write-tree', '-z', '--name-only', '--no-messages', '--end-of-options', ours, theirs],
    gitDir: repository.folder,
    answers: [0, 1],
    outputLimit: 16 * 1024 * 1024,
    timeoutMs: 300_000,
  });
  if (!answer.ok) return answer;
  const [tree = '', ...paths] = answer.value.stdout.toString('utf8').split('\0');
  if (answer.value.exitCode === 0) return success({ tree });
  return success({ conflicts: paths.filter((name) => name !== '') });
}

/** The merge on the first-parent line of `tip` that brought `commit` in; where there is none (it was there from the start), the tip itself. */
export async function findMerge(
  repository: BareRepository,
  commit: string,
  tip: string,
): Promise<Result<MergeOutcome>> {
  const answer = await repository.run({
    arguments: ['rev-list', '--first-parent', '--merges', '--parents', '--end-of-options', tip, `^${commit}`],
    gitDir: repository.folder,
    outputLimit: 64 * 1024 * 1024,
  });
  if (!answer.ok) return answer;
  for (const line of outputText(answer.value).split('\n')) {
    const [tipAfter = '', tipBefore = '', ...brought] = line.split(' ');
    if (brought.includes(commit)) return success({ outcome: 'merged', tipBefore, tipAfter });
  }
  return success({ outcome: 'merged', tipBefore: tip, tipAfter: tip });
}
