import { appendFileSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { success, type IngestedCommit } from '@agentcompany/protocol';
import type { Forge, PullRequest, PullRequestDraft } from '../../orchestrator/src/forges/forge.ts';
import type { IngestRequest, MergeOutcome, ProjectRepositories } from '../../orchestrator/src/git/repositories.ts';
import { chance } from './seeded.ts';

/** One thing that really happened outside: what a repetition finds done adds none. */
export interface Happening {
  readonly kind: 'ingest' | 'merge' | 'push' | 'pull_request';
  readonly key: string;
}

interface Branch {
  readonly tip: string;
  readonly merged: readonly string[];
}

/**
 * Repository and forge of a soak, kept in files so that they outlive the engine's process. Like the real ones every call looks
 * itself up first; unlike them it says in `happenings` each time it did something.
 */
export class PretendedOutside {
  readonly #folder: string;
  readonly #seed: number;

  constructor(folder: string, seed: number) {
    this.#folder = folder;
    this.#seed = seed;
    mkdirSync(join(folder, 'state'), { recursive: true });
  }

  happenings(): readonly Happening[] {
    const file = join(this.#folder, 'happenings.ndjson');
    if (!existsSync(file)) return [];
    const lines = readFileSync(file, 'utf8')
      .split('\n')
      .filter((line) => line !== '');
    return lines.map((line) => JSON.parse(line) as Happening);
  }

  readonly repositories: ProjectRepositories = {
    mirrorFolder: '/nowhere',
    synchronize: async () => success(),
    branchTip: async () => success('base'),
    createRunBranch: async (runId, oid) => {
      if (this.#read(`run-${runId}`) === null) this.#write(`run-${runId}`, { tip: oid, merged: [] });
      return success();
    },
    followLedger: async () => success(),
    runTip: async (runId) => success(this.#branch(runId).tip),
    packFor: async () => Promise.reject(new Error('there are no other machines')),
    ingest: async (request) => success(this.#ingest(request)),
    merge: async ({ runId, attemptId, title }) => success(this.#merge(runId, attemptId, title)),
    mergeBase: async ({ runId }) => {
      const { tip } = this.#branch(runId);
      return success({ outcome: 'merged', tipBefore: tip, tipAfter: tip });
    },
    changes: async () => success([]),
    conflictMarkers: async () => success([]),
    diffText: async () => Promise.reject(new Error('no model reviews')),
    scanNew: async () => success([]),
    listFiles: async () => Promise.reject(new Error('no model plans')),
    readText: async () => Promise.reject(new Error('no model plans')),
    diffStat: async () => success(''),
    push: async ({ runId, oid }) => {
      this.#once('push', `${runId}-${oid}`, { oid });
      return success();
    },
  };

  readonly forge: Forge = {
    openPullRequest: async (draft) => success(this.#open(draft)),
    findByKey: async () => success(null),
    listPullRequests: async () => success([]),
    showPullRequest: async () => Promise.reject(new Error('nobody looks at one')),
    mergePullRequest: async () => Promise.reject(new Error('nobody merges one')),
  };

  #ingest({ attemptId, claimedCommit, baseOid }: IngestRequest): IngestedCommit {
    const ingested: IngestedCommit = {
      commit: claimedCommit,
      tree: `tree-${attemptId}`,
      base_oid: baseOid,
      changes: [{ path: `${attemptId}.txt`, status: 'A', old_mode: '000000', new_mode: '100644' }],
      insertions: 1,
      deletions: 0,
      protected_paths: [],
    };
    this.#once('ingest', attemptId, ingested);
    return ingested;
  }

  #merge(runId: string, attemptId: string, title: string): MergeOutcome {
    const { tip, merged } = this.#branch(runId);
    if (merged.includes(attemptId)) return { outcome: 'merged', tipBefore: tip, tipAfter: tip };
    const conflict = `conflict-${runId}-${title.replaceAll(/[^a-z0-9]/gi, '-')}`;
    if (chance(this.#seed, conflict) < 0.02 && this.#read(conflict) === null) {
      this.#write(conflict, {});
      return { outcome: 'conflict', tipBefore: tip, conflicts: ['README.md'] };
    }
    const tipAfter = `tip-${attemptId}`;
    this.#write(`run-${runId}`, { tip: tipAfter, merged: [...merged, attemptId] });
    this.#note({ kind: 'merge', key: attemptId });
    return { outcome: 'merged', tipBefore: tip, tipAfter };
  }

  #open(draft: PullRequestDraft): PullRequest {
    const request: PullRequest = {
      ...draft,
      number: 1,
      url: `https://forge.example/${draft.branch}`,
      state: 'open',
      created_at: '2026-11-20T12:00:00.000Z',
      base_oid: 'base',
      head_oid: 'tip',
      merge_oid: null,
    };
    this.#once('pull_request', draft.key.replaceAll('/', '-'), request);
    return request;
  }

  #branch(runId: string): Branch {
    const branch = this.#read(`run-${runId}`);
    if (branch === null) throw new Error(`run ${runId} has no branch`);
    return branch as Branch;
  }

  #once(kind: Happening['kind'], key: string, state: object): void {
    if (this.#read(`${kind}-${key}`) !== null) return;
    this.#write(`${kind}-${key}`, state);
    this.#note({ kind, key });
  }

  #read(name: string): unknown {
    const file = join(this.#folder, 'state', `${name}.json`);
    return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : null;
  }

  #write(name: string, state: object): void {
    const file = join(this.#folder, 'state', `${name}.json`);
    writeFileSync(`${file}.part`, JSON.stringify(state));
    renameSync(`${file}.part`, file);
  }

  #note(happening: Happening): void {
    appendFileSync(join(this.#folder, 'happenings.ndjson'), `${JSON.stringify(happening)}\n`);
  }
}
