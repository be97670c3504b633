import { failure, success, type Result } from '@agentcompany/protocol';
import { isAncestor, readCommits, readReference, type BareRepository, type CommitFacts } from './bare-repository.ts';
import { writeBotCommit } from './bot-commit.ts';
import { gitErrors } from './errors.ts';
import type { MergeOutcome } from './repositories.ts';
import { outputText } from './runner.ts';
import { transferObjects } from './transfer.ts';
import { updateReference } from './update-reference.ts';

export interface MergeTarget {
  /** Where merges are computed: holds or borrows all sides. */
  readonly workshop: BareRepository;
  /** Where the reference stands. The workshop itself, or a repository the objects are brought into. */
  readonly home: BareRepository;
  readonly reference: string;
  readonly onDurableStep: (name: string) => void;
}

export interface IncomingCommit {
  readonly commit: string;
  readonly message: string;
}

/** What is to be merged; more may come while the first is worked on. */
export interface Incoming {
  /** Null where nothing waits any more. */
  readonly take: () => IncomingCommit | null;
  /** What waits, in its order. */
  readonly ahead: () => readonly IncomingCommit[];
}

type MergedTree = { readonly tree: string } | { readonly conflicts: readonly string[] };

/** How far the merges have come: nobody else sees it before the reference is moved. */
interface Chain {
  tip: string;
  readonly known: Map<string, CommitFacts>;
}

/**
 * Merges each commit into `reference` in turn, without a checkout, hooks or filters, and brings all merges home in one transfer and one move
 * of the reference: they become durable together, before any of them is answered. A commit that is already merged is not merged again
 * (`findContained`). The outcomes are in the order of `take`, and have to come on record in it.
 * Errors: `AC_BRANCH_UNKNOWN`, `AC_GIT_REFERENCE_MOVED`, those of git; of the transfer and the move, for each of them.
 */
export async function mergeInto(target: MergeTarget, incoming: Incoming): Promise<readonly Result<MergeOutcome>[]> {
  const begun = await tipOf(target);
  const outcomes: Result<MergeOutcome>[] = [];
  const chain: Chain = { tip: begun.ok ? begun.value : '', known: new Map() };
  for (let next = incoming.take(); next !== null; next = incoming.take()) {
    outcomes.push(begun.ok ? await mergeNext(target.workshop, chain, { next, ahead: incoming.ahead() }) : begun);
  }
  if (!begun.ok || chain.tip === begun.value) return outcomes;
  const brought = await bringHome(target, begun.value, chain.tip);
  return brought.ok ? outcomes : outcomes.map(() => brought);
}

/** The same for one commit. */
export async function mergeOne(target: MergeTarget, incoming: IncomingCommit): Promise<Result<MergeOutcome>> {
  const left = [incoming];
  const [outcome] = await mergeInto(target, { take: () => left.shift() ?? null, ahead: () => left });
  if (outcome === undefined) throw new Error('a merge ended without an outcome');
  return outcome;
}

async function tipOf({ home, reference }: MergeTarget): Promise<Result<string>> {
  const tip = await readReference(home, reference);
  if (!tip.ok) return tip;
  return tip.value === null ? failure(gitErrors.AC_BRANCH_UNKNOWN({ branch: reference })) : success(tip.value);
}

async function mergeNext(
  workshop: BareRepository,
  chain: Chain,
  { next, ahead }: { readonly next: IncomingCommit; readonly ahead: readonly IncomingCommit[] },
): Promise<Result<MergeOutcome>> {
  const { tip } = chain;
  const { commit, message } = next;
  const [merged, learned] = await Promise.all([
    mergeTrees(workshop, tip, commit),
    learn(workshop, chain.known, [tip, commit], ahead),
  ]);
  if (!merged.ok) return merged;
  if (!learned.ok) return learned;
  if ('conflicts' in merged.value) return success({ outcome: 'conflict', tipBefore: tip, ...merged.value });
  const { tree } = merged.value;
  // What is contained already changes nothing: only then the history has to be asked.
  if (tree === learned.value[0]?.tree) {
    const contained = await isAncestor(workshop, commit, tip);
    if (!contained.ok) return contained;
    if (contained.value) return findContained(workshop, commit, tip);
  }
  const parents = [tip, commit];
  const seconds = Math.max(...learned.value.map((known) => known.seconds));
  const written = await writeBotCommit(workshop, { tree, parents, message, seconds });
  if (!written.ok) return written;
  chain.tip = written.value;
  chain.known.set(written.value, { tree, parents, seconds });
  return success({ outcome: 'merged', tipBefore: tip, tipAfter: written.value });
}

/** The facts of `oids`; where git has to be asked, it is asked for what comes next as well. Error: `AC_OBJECT_NAME_INVALID`. */
async function learn(
  workshop: BareRepository,
  known: Map<string, CommitFacts>,
  oids: readonly string[],
  ahead: readonly IncomingCommit[],
): Promise<Result<readonly CommitFacts[]>> {
  if (oids.some((oid) => !known.has(oid))) {
    const wanted = [...oids, ...ahead.map(({ commit }) => commit)].filter((oid) => !known.has(oid));
    const read = await readCommits(workshop, wanted);
    if (!read.ok) return read;
    for (const [oid, facts] of read.value) known.set(oid, facts);
  }
  const missing = oids.find((oid) => !known.has(oid));
  if (missing !== undefined) return failure(gitErrors.AC_OBJECT_NAME_INVALID({ value: missing }));
  return success(oids.flatMap((oid) => known.get(oid) ?? []));
}

async function bringHome(target: MergeTarget, previous: string, next: string): Promise<Result<undefined>> {
  const { workshop, home, reference, onDurableStep } = target;
  if (home.folder !== workshop.folder) {
    const brought = await transferObjects(workshop, home, { include: [next], exclude: [previous] });
    if (!brought.ok) return brought;
    onDurableStep('merge-objects');
  }
  const moved = await updateReference(home, { reference, next, previous });
  if (moved.ok) onDurableStep('merge-reference');
  return moved;
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

/**
 * The outcome for a commit that `tip` contains, as after a crash between a merge and its record: the merge that brought it in, if that is the
 * tip; else the tip as it is, for others came after it and may be on record already: a run never goes back.
 */
export async function findContained(
  repository: BareRepository,
  commit: string,
  tip: string,
): Promise<Result<MergeOutcome>> {
  const found = await findMerge(repository, commit, tip);
  const isLast = !found.ok || (found.value.outcome === 'merged' && found.value.tipAfter === tip);
  return isLast ? found : success({ outcome: 'merged', tipBefore: tip, tipAfter: tip });
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
