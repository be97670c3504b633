import { execFile } from 'node:child_process';
import { cp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { newId, unwrap } from '@agentcompany/protocol';
import { mergesAtOnce } from '../../orchestrator/src/agents/merger/merger.ts';
import type { ProjectRepositories } from '../../orchestrator/src/git/repositories.ts';
import { bundleRequest, createGitFixture, type GitFixture } from '../../orchestrator/src/git/testing/git-fixture.ts';
import { addBranches, makeRepository } from '../large-repository.ts';
import { timed } from '../measure.ts';

const execute = promisify(execFile);
const history = 2000;
export const branchCount = 20;
const commitsPerBranch = 3;
const title = 'Change three files';
const environment = {
  PATH: process.env['PATH'] ?? '',
  HOME: '/nonexistent',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_AUTHOR_NAME: 'Bare',
  GIT_AUTHOR_EMAIL: 'bare@example.com',
  GIT_COMMITTER_NAME: 'Bare',
  GIT_COMMITTER_EMAIL: 'bare@example.com',
};

async function git(folder: string, ...args: readonly string[]): Promise<string> {
  const { stdout } = await execute('git', ['-C', folder, ...args], { env: environment });
  return stdout.trim();
}

interface Ingested {
  readonly attemptId: string;
  readonly commit: string;
}

/** Twenty branches of one repository that do not touch each other, and three ways to join them. */
export class MergeScene {
  readonly #fixture: GitFixture;
  readonly #base: string;
  readonly #runId: string;
  readonly #ingested: readonly Ingested[];
  /** What every way must come to. */
  #tree: string | null = null;

  private constructor(fixture: GitFixture, run: { base: string; runId: string; ingested: readonly Ingested[] }) {
    this.#fixture = fixture;
    this.#base = run.base;
    this.#runId = run.runId;
    this.#ingested = run.ingested;
  }

  /** A project whose vault has taken in the twenty results; it is kept, and each round works on a copy in its place. */
  static async open(): Promise<MergeScene> {
    const fixture = createGitFixture();
    const origin = join(fixture.folder, 'origin.git');
    const base = makeRepository(origin, history);
    const tips = addBranches(origin, base, branchCount, commitsPerBranch);
    const repositories = open(fixture);
    unwrap(await repositories.synchronize());
    const runId = newId();
    unwrap(await repositories.createRunBranch(runId, base));
    const ingested: Ingested[] = [];
    for (const tip of tips) {
      const request = bundleRequest(fixture, origin, base, tip);
      ingested.push({ attemptId: request.attemptId, commit: unwrap(await repositories.ingest(request)).commit });
    }
    for (const name of ['mirrors', 'vaults'])
      await cp(join(fixture.folder, name), join(fixture.folder, 'kept', name), { recursive: true });
    await git(fixture.folder, 'clone', '--quiet', '--shared', origin, 'checkout');
    return new MergeScene(fixture, { base, runId, ingested });
  }

  /** As the Merger does it: all twenty are approved, it takes so many at a time, each is durable before it is answered. */
  async ours(): Promise<number> {
    await this.#putBack();
    const repositories = open(this.#fixture);
    const runId = this.#runId;
    const taken = await timed(async () => {
      for (let first = 0; first < branchCount; first += mergesAtOnce) {
        const waiting = this.#ingested.slice(first, first + mergesAtOnce);
        const merged = await Promise.all(waiting.map((each) => repositories.merge({ runId, ...each, title })));
        if (merged.some((each) => unwrap(each).outcome !== 'merged')) throw new Error('a clean branch has a conflict');
      }
    });
    await this.#check(this.#fixture.mirrorFolder, unwrap(await repositories.runTip(this.#runId)));
    return taken;
  }

  /** The two programs alone, in the vault. */
  async bare(): Promise<number> {
    await this.#putBack();
    const folder = this.#fixture.vaultFolder;
    let tip = this.#base;
    const taken = await timed(async () => {
      for (const { commit } of this.#ingested) {
        const tree = await git(folder, 'merge-tree', '--write-tree', tip, commit);
        tip = await git(folder, 'commit-tree', '-p', tip, '-p', commit, '-m', 'Merge', tree);
      }
    });
    await this.#check(folder, tip);
    return taken;
  }

  /** `git merge` in a checkout that is ready. */
  async inCheckout(): Promise<number> {
    const folder = join(this.#fixture.folder, 'checkout');
    await git(folder, 'fetch', '--quiet', this.#fixture.vaultFolder, 'refs/agentcompany/attempts/*:refs/attempts/*');
    await git(folder, 'checkout', '--quiet', '--detach', this.#base);
    const taken = await timed(async () => {
      for (const { commit } of this.#ingested) await git(folder, 'merge', '--quiet', '-m', 'Merge', commit);
    });
    await this.#check(folder, 'HEAD');
    return taken;
  }

  close(): Promise<void> {
    this.#fixture[Symbol.dispose]();
    return Promise.resolve();
  }

  /** The state before any merge, on the disk. */
  async #putBack(): Promise<void> {
    const { folder } = this.#fixture;
    for (const name of ['mirrors', 'vaults']) {
      await rm(join(folder, name), { recursive: true });
      await cp(join(folder, 'kept', name), join(folder, name), { recursive: true });
    }
    await execute('sync', ['--file-system', folder]);
  }

  async #check(folder: string, tip: string): Promise<void> {
    const tree = await git(folder, 'rev-parse', `${tip}^{tree}`);
    this.#tree ??= tree;
    if (tree !== this.#tree) throw new Error(`the branches joined are ${tree} and not ${this.#tree}`);
  }
}

function open(fixture: GitFixture): ProjectRepositories {
  return fixture.open({
    source: { url: join(fixture.folder, 'origin.git'), isFolder: true },
    onArguments: () => undefined,
  });
}
