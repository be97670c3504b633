import type { PullRequestRef, Result } from '@agentcompany/protocol';

export interface PullRequestDraft {
  /** The effect key `run/<id>/pull_request`: at most one pull request per key. */
  readonly key: string;
  readonly branch: string;
  readonly base: string;
  readonly title: string;
  readonly body: string;
  readonly draft: boolean;
}

export interface PullRequest extends PullRequestRef {
  readonly key: string;
  readonly title: string;
  readonly body: string;
  readonly draft: boolean;
  readonly state: 'open' | 'merged' | 'closed';
  readonly created_at: string;
  /** The commits that base and branch stood at when it was opened. */
  readonly base_oid: string;
  readonly head_oid: string;
  readonly merge_oid: string | null;
}

/** Where pull requests live. Errors: `AC_FORGE_UNREACHABLE`, `AC_PULL_REQUEST_UNKNOWN`, `AC_PULL_REQUEST_CONFLICT`, `AC_PULL_REQUEST_CLOSED`. */
export interface Forge {
  /** Returns the existing one where the key is known (DESIGN §1.4). */
  openPullRequest(draft: PullRequestDraft): Promise<Result<PullRequest>>;
  findByKey(key: string): Promise<Result<PullRequest | null>>;
  listPullRequests(): Promise<Result<readonly PullRequest[]>>;
  showPullRequest(number: number): Promise<Result<PullRequest>>;
  /** Merges into the base branch: a person's act (C22). */
  mergePullRequest(number: number): Promise<Result<PullRequest>>;
}
