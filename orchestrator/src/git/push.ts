import { failure, success, type Result } from '@agentcompany/protocol';
import { holdsCommit, isAncestor, type BareRepository } from './bare-repository.ts';
import { gitErrors } from './errors.ts';
import { isLeftBehind } from './follow-ledger.ts';
import { isProtectedBranch } from './protected-branch.ts';
import { judgeBranch, judgeObjectName } from './reference-policy.ts';
import { explainRemoteFailure, networkTimeoutMs, type Remote } from './remote.ts';
import type { GitAnswer, GitCall } from './runner.ts';

/** Branches of ours, and nothing else, are pushed. */
const ownBranch = /^agent\/[A-Za-z0-9][A-Za-z0-9._-]*$/;

interface RemoteState {
  readonly head: string | null;
  readonly branch: string | null;
}

/** Judges the branch of a push before any process is started. Errors: `AC_PUSH_PROTECTED`, `AC_BRANCH_REFUSED`. */
export function judgePushBranch(branch: string, protectedBranches: readonly string[]): Result<string> {
  if (isProtectedBranch(branch, protectedBranches)) return failure(gitErrors.AC_PUSH_PROTECTED({ branch }));
  const judged = judgeBranch(branch);
  if (!judged.ok) return judged;
  return ownBranch.test(branch) ? judged : failure(gitErrors.AC_PUSH_PROTECTED({ branch }));
}

/**
 * Pushes `oid` as `branch` with one explicit refspec and a lease on what the remote was seen to hold. A remote that
 * already has it is a success; one that holds foreign work on that branch is refused, never overwritten.
 */
export async function pushBranch(
  mirror: BareRepository,
  remote: Remote,
  request: {
    readonly runId: string;
    readonly oid: string;
    readonly branch: string;
    readonly onDurableStep: (name: string) => void;
  },
): Promise<Result<undefined>> {
  const { runId, oid, branch } = request;
  const state = await remoteState(mirror, remote, branch);
  if (!state.ok) return state;
  if (state.value.head === `refs/heads/${branch}`) return failure(gitErrors.AC_PUSH_PROTECTED({ branch }));
  if (state.value.branch === oid) return success();
  const relation = await relationTo(mirror, runId, state.value.branch, oid);
  if (!relation.ok) return relation;
  if (relation.value === 'ahead') return success();
  if (relation.value === 'foreign') {
    return failure(gitErrors.AC_PUSH_REFUSED({ branch }, 'the branch on the remote holds other work'));
  }
  const reference = `refs/heads/${branch}`;
  const pushed = await callRemote(mirror, remote, [
    'push',
    '--no-verify',
    '--no-follow-tags',
    '--no-signed',
    '--recurse-submodules=no',
    `--force-with-lease=${reference}:${state.value.branch ?? ''}`,
    '--end-of-options',
    remote.url,
    `${oid}:${reference}`,
  ]);
  if (!pushed.ok) return explainPush(remote.url, branch, pushed);
  request.onDurableStep('pushed');
  return success();
}

async function remoteState(mirror: BareRepository, remote: Remote, branch: string): Promise<Result<RemoteState>> {
  const reference = `refs/heads/${branch}`;
  const listing = await callRemote(mirror, remote, [
    'ls-remote',
    '--symref',
    '--end-of-options',
    remote.url,
    'HEAD',
    reference,
  ]);
  const explained = explainRemoteFailure(remote.url, listing);
  if (!explained.ok) return explained;
  const lines = explained.value.stdout
    .toString('utf8')
    .split('\n')
    .map((line) => line.split('\t'));
  const head = lines
    .find(([value = '', name]) => name === 'HEAD' && value.startsWith('ref: '))?.[0]
    ?.slice('ref: '.length);
  // A pattern of ls-remote matches from the end of a name: only the whole name counts.
  const tip = lines.find(([, name]) => name === reference)?.[0];
  return success({ head: head ?? null, branch: tip ?? null });
}

/** How what the remote holds stands to what is pushed: absent, an earlier push of ours or one that a restored ledger left behind (`behind`), a later one (`ahead`), or neither. */
async function relationTo(
  mirror: BareRepository,
  runId: string,
  found: string | null,
  oid: string,
): Promise<Result<'behind' | 'ahead' | 'foreign'>> {
  if (found === null) return success('behind');
  if (!judgeObjectName(found).ok) return success('foreign');
  const held = await holdsCommit(mirror, found);
  if (!held.ok) return held;
  if (!held.value) return success('foreign');
  const behind = await isAncestor(mirror, found, oid);
  if (!behind.ok) return behind;
  if (behind.value) return success('behind');
  const ahead = await isAncestor(mirror, oid, found);
  if (!ahead.ok || ahead.value) return ahead.ok ? success('ahead') : ahead;
  const left = await isLeftBehind(mirror, runId, found);
  return left.ok ? success(left.value ? 'behind' : 'foreign') : left;
}

function callRemote(
  mirror: BareRepository,
  remote: Remote,
  argumentList: readonly string[],
): Promise<Result<GitAnswer>> {
  const call: GitCall = {
    arguments: argumentList,
    gitDir: mirror.folder,
    protocols: remote.protocols,
    timeoutMs: networkTimeoutMs,
    ...(remote.globalConfiguration === undefined ? {} : { globalConfiguration: remote.globalConfiguration }),
  };
  return mirror.run(call);
}

/** The branch moved since it was looked at, or is being moved: the next look finds what came of it. */
const overtaken = /stale info|failed to update ref|cannot lock ref|reference already exists/iu;
const refusal =
  /\[remote rejected\]|\[rejected\]|returned error: 40[13]|Permission (?:to .+ )?denied|read.only|insufficient permission|unable to create temporary object directory|not allowed to|protected branch|Authentication failed|could not read (?:Username|Password)/iu;

function explainPush(url: string, branch: string, failed: Result<GitAnswer>): Result<undefined> {
  if (failed.ok) return success();
  const cause = failed.error.cause ?? failed.error.message;
  if (overtaken.test(cause)) return failure(gitErrors.AC_PUSH_OVERTAKEN({ branch }, cause));
  if (refusal.test(cause)) return failure(gitErrors.AC_PUSH_REFUSED({ branch }, cause));
  const explained = explainRemoteFailure(url, failed);
  return explained.ok ? success() : explained;
}
