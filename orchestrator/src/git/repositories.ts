import type { FileHandle } from 'node:fs/promises';
import type { ChangedPath, IngestedCommit, Result } from '@agentcompany/protocol';

/** Where a project's source lies and how to reach it. */
export interface RemoteSource {
  /** `https://…`, `ssh://…`, or an absolute folder (only by `project add --path`). */
  readonly url: string;
  readonly isFolder: boolean;
}

export interface IngestRequest {
  /** Absolute file the worker's bundle was stored in. */
  readonly bundleFile: string;
  readonly sha256: string;
  readonly attemptId: string;
  readonly resultRef: string;
  readonly baseOid: string;
  readonly claimedCommit: string;
  /** First line of the rewritten commit message. */
  readonly title: string;
}

export type MergeOutcome =
  | { readonly outcome: 'merged'; readonly tipBefore: string; readonly tipAfter: string }
  | { readonly outcome: 'conflict'; readonly tipBefore: string; readonly conflicts: readonly string[] };

/** What became of one file between two commits, for somebody to read. */
export interface FileDifference extends ChangedPath {
  /** `binary`: no text; `nothing`: too large to be given, or beyond what is given in all. */
  readonly shown: 'text' | 'binary' | 'nothing';
  /** Hunks of a unified diff with eight lines around; empty where none is shown, or only the mode changed. */
  readonly text: string;
}

/** Something that was looked for, in the content at a path; null: in a name. */
export interface FoundInNew {
  readonly path: string | null;
  readonly what: string;
}

/** Where a run's branch stands by its ledger. */
export interface LedgerTip {
  readonly runId: string;
  /** Null while the run has no base yet. */
  readonly tip: string | null;
  /** Commits that may have been merged without a record yet; `any` while the base branch is being taken in. */
  readonly expected: readonly string[] | 'any';
}

/** A pack on its way to a worker host. Who gets it closes the handle. */
export interface OutgoingPack {
  readonly handle: FileHandle;
  readonly bytes: number;
}

/**
 * The host's git side of one project: its mirror (what workers read) and its vault (what came out of workers) — DESIGN §7.
 * Every method is idempotent: repeated after a crash it finds what it already did. The host never checks out.
 */
export interface ProjectRepositories {
  /** Absolute folder of the bare mirror that workers mount. */
  readonly mirrorFolder: string;
  /** Fetches the source into the mirror. Errors: `AC_GIT_URL_REFUSED`, `AC_GIT_UNREACHABLE`, `AC_GIT_CREDENTIALS`, `AC_GIT_HOST_KEY`, `AC_GIT_REDIRECT`, `AC_GIT_OBJECTS_INVALID`, `AC_GIT_LOCKED`, `AC_GIT_DISK_FULL`, `AC_REPOSITORY_EMPTY`, `AC_REPOSITORY_SHALLOW`, `AC_REPOSITORY_FORMAT`. */
  synchronize(): Promise<Result<undefined>>;
  /** The commit of a branch of the source as last fetched. Error: `AC_BRANCH_UNKNOWN`. */
  branchTip(branch: string): Promise<Result<string>>;
  /** Paths of the files of a commit that the mirror holds, in git's order; at most those of the top folder of a huge tree. */
  listFiles(commit: string): Promise<Result<readonly string[]>>;
  /** The text of a file of a commit that the mirror holds; null where there is none, it has more than 1 MiB, or is no UTF-8 text. */
  readText(commit: string, path: string): Promise<Result<string | null>>;
  /** Creates `refs/agentcompany/runs/<run>` at `oid` unless it exists. */
  createRunBranch(runId: string, oid: string): Promise<Result<undefined>>;
  /** Sets the run's branch back to where the ledger knows it, which may have been restored from an earlier copy (S84). */
  followLedger(tip: LedgerTip): Promise<Result<undefined>>;
  /** Error: `AC_BRANCH_UNKNOWN`. */
  runTip(runId: string): Promise<Result<string>>;
  /**
   * The run branch's tip, and a pack of what somebody with the commits `have` lacks of it; null where the tip is among them.
   * Errors: `AC_BRANCH_UNKNOWN`, `AC_OBJECT_NAME_INVALID`.
   */
  packFor(request: {
    readonly runId: string;
    readonly have: readonly string[];
  }): Promise<Result<{ readonly tip: string; readonly pack: OutgoingPack | null }>>;
  /** Bundle -> quarantine -> checks -> vault ref `refs/agentcompany/attempts/<attempt>`. Errors: `AC_INGEST_REFUSED` with the rule as cause, `AC_PATH_REFUSED`, `AC_INGEST_NOT_DESCENDANT`, `AC_INGEST_TOO_LARGE`. */
  ingest(request: IngestRequest): Promise<Result<IngestedCommit>>;
  /** Merges an ingested attempt into the run branch with `merge-tree --write-tree` and brings the merged objects into the mirror. */
  merge(request: {
    readonly runId: string;
    readonly attemptId: string;
    readonly commit: string;
    readonly title: string;
  }): Promise<Result<MergeOutcome>>;
  /** Merges the moved base into the run branch. */
  mergeBase(request: { readonly runId: string; readonly oid: string }): Promise<Result<MergeOutcome>>;
  /** Raw changes between two commits that the mirror or vault holds. */
  changes(from: string, to: string): Promise<Result<readonly ChangedPath[]>>;
  /** The text of what changed between two commits, at most 60,000 characters a file, 400,000 and 300 files in all. */
  diffText(from: string, to: string): Promise<Result<readonly FileDifference[]>>;
  /** What `find` sees in names and contents (at most 16 MiB a file, as Latin-1) of all that the commits up to `to` bring and `from` has not. */
  scanNew(request: {
    readonly from: string;
    readonly to: string;
    readonly find: (text: string) => readonly string[];
  }): Promise<Result<readonly FoundInNew[]>>;
  /** Paths of a commit whose text (at most `maxBytes` a blob) holds a conflict marker at a line's start. */
  conflictMarkers(commit: string, paths: readonly string[]): Promise<Result<readonly string[]>>;
  /** `git diff --stat` between two commits, 72 columns. */
  diffStat(from: string, to: string): Promise<Result<string>>;
  /** Pushes the run branch as `branch` with a lease; finds it done when the remote already has `oid`. Errors: `AC_PUSH_REFUSED`, `AC_PUSH_PROTECTED` (a default branch), `AC_GIT_UNREACHABLE`. */
  push(request: { readonly runId: string; readonly oid: string; readonly branch: string }): Promise<Result<undefined>>;
}
