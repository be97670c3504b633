import { execFileSync } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { newId, unwrap } from '@agentcompany/protocol';
import { openRepositories } from '../open-repositories.ts';
import type { RepositoriesOptions } from '../repositories-context.ts';
import type { IngestRequest, ProjectRepositories } from '../repositories.ts';

const environment = {
  PATH: '/usr/bin:/bin',
  HOME: '/nonexistent',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_AUTHOR_NAME: 'Somebody',
  GIT_AUTHOR_EMAIL: 'somebody@example.org',
  GIT_COMMITTER_NAME: 'Somebody',
  GIT_COMMITTER_EMAIL: 'somebody@example.org',
};

/** Real git as a person or a worker runs it: nothing of the product's runner. */
export function git(folder: string, argumentList: readonly string[], input?: string | Uint8Array): string {
  return execFileSync('git', ['-C', folder, ...argumentList], {
    env: environment,
    input: input ?? '',
    stdio: ['pipe', 'pipe', 'pipe'],
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  }).trimEnd();
}

export function writeFiles(folder: string, files: Readonly<Record<string, string>>): void {
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
    writeFileSync(path.join(folder, name), content);
  }
}

/** Commits all of a work tree; the new commit. */
export function commitAll(folder: string, message = 'work'): string {
  git(folder, ['add', '-A']);
  git(folder, ['commit', '--quiet', '--allow-empty', '--no-verify', '-m', message]);
  return git(folder, ['rev-parse', 'HEAD']);
}

export interface GitFixture extends Disposable {
  readonly folder: string;
  /** A folder with a work tree on `main`: the project's source. */
  readonly source: string;
  readonly mirrorFolder: string;
  readonly vaultFolder: string;
  readonly quarantineFolder: string;
  /** The durable steps so far. */
  readonly steps: string[];
  /** The arguments of every git call of the product so far. */
  readonly calls: (readonly string[])[];
  /** The repository folders those calls worked in. */
  readonly gitFolders: Set<string>;
  open(options?: Partial<RepositoriesOptions>): ProjectRepositories;
}

/** A source repository with one commit and empty places for mirror, vault and quarantine, all below one temporary folder. */
export function createGitFixture(
  files: Readonly<Record<string, string>> = { 'a.txt': 'one\ntwo\nthree\n' },
): GitFixture {
  const folder = mkdtempSync(path.join(tmpdir(), 'agentcompany-git-'));
  const source = path.join(folder, 'source');
  mkdirSync(source);
  git(source, ['init', '--quiet', '-b', 'main']);
  writeFiles(source, files);
  commitAll(source, 'first');
  const mirrorFolder = path.join(folder, 'mirrors', 'project.git');
  const vaultFolder = path.join(folder, 'vaults', 'project.git');
  const quarantineFolder = path.join(folder, 'quarantine');
  const steps: string[] = [];
  const calls: (readonly string[])[] = [];
  const gitFolders = new Set<string>();
  return {
    folder,
    source,
    mirrorFolder,
    vaultFolder,
    quarantineFolder,
    steps,
    calls,
    gitFolders,
    open: (options = {}) =>
      openRepositories({
        mirrorFolder,
        vaultFolder,
        quarantineFolder,
        source: { url: source, isFolder: true },
        protectedBranches: ['main'],
        onDurableStep: (name) => steps.push(name),
        onArguments: (argumentList, gitDir) => {
          calls.push(argumentList);
          gitFolders.add(gitDir);
        },
        ...options,
      }),
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  };
}

const resultRef = 'refs/heads/agentcompany-result';

/** A bundle file and the request that announces it truthfully. */
export function bundleRequest(
  fixture: GitFixture,
  repository: string,
  base: string,
  claimed: string,
  changed: Partial<IngestRequest> = {},
): IngestRequest {
  const bundleFile = path.join(fixture.folder, `${randomUUID()}.bundle`);
  git(repository, ['update-ref', resultRef, claimed]);
  git(repository, ['bundle', 'create', '--quiet', bundleFile, resultRef, ...(base === '' ? [] : [`^${base}`])]);
  return {
    bundleFile,
    sha256: createHash('sha256').update(readFileSync(bundleFile)).digest('hex'),
    attemptId: newId(),
    resultRef,
    baseOid: base,
    claimedCommit: claimed,
    title: 'Change a file',
    ...changed,
  };
}

/** A clone of the mirror as a worker has it, standing at `base`. */
export function workerClone(fixture: GitFixture, base: string): string {
  const folder = path.join(fixture.folder, `worker-${randomUUID()}`);
  git(fixture.folder, ['clone', '--quiet', '-s', '--no-checkout', fixture.mirrorFolder, folder]);
  git(folder, ['checkout', '--quiet', '--detach', base]);
  return folder;
}

/** A worker's honest work: files written, committed, bundled. */
export function workerResult(
  fixture: GitFixture,
  base: string,
  files: Readonly<Record<string, string>>,
  changed: Partial<IngestRequest> = {},
): IngestRequest {
  const clone = workerClone(fixture, base);
  writeFiles(clone, files);
  return bundleRequest(fixture, clone, base, commitAll(clone), changed);
}

/** A run that stands at the source's first commit. */
export async function startRun(
  fixture: GitFixture,
  repositories = fixture.open(),
): Promise<{ readonly repositories: ProjectRepositories; readonly runId: string; readonly base: string }> {
  unwrap(await repositories.synchronize());
  const base = unwrap(await repositories.branchTip('main'));
  const runId = newId();
  unwrap(await repositories.createRunBranch(runId, base));
  return { repositories, runId, base };
}

/** Writes an object that need not be well-formed; its name. */
export function writeObject(
  repository: string,
  type: 'blob' | 'tree' | 'commit',
  content: string | Uint8Array,
): string {
  return git(repository, ['hash-object', '-t', type, '-w', '--literally', '--stdin'], content);
}

/** One entry of a tree as git stores it, checked by nobody. */
export function treeEntry(mode: string, name: string, oid: string): Buffer {
  return Buffer.concat([Buffer.from(`${mode} ${name}\0`), Buffer.from(oid, 'hex')]);
}

/** A bundle of exactly the objects named, packed without looking into them, and the request that announces it. */
export function craftedRequest(
  fixture: GitFixture,
  repository: string,
  crafted: {
    readonly base: string;
    readonly tree: string;
    readonly objects: readonly string[];
    readonly parent?: string;
  },
  changed: Partial<IngestRequest> = {},
): IngestRequest {
  const who = 'Somebody <somebody@example.org> 1700000000 +0000';
  const text = `tree ${crafted.tree}\nparent ${crafted.parent ?? crafted.base}\nauthor ${who}\ncommitter ${who}\n\nwork\n`;
  const claimedCommit = writeObject(repository, 'commit', text);
  const packed = execFileSync('git', ['-C', repository, 'pack-objects', '--stdout', '--quiet'], {
    env: environment,
    input: [...crafted.objects, crafted.tree, claimedCommit, ''].join('\n'),
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const bundle = Buffer.concat([
    Buffer.from(`# v2 git bundle\n-${crafted.base} base\n${claimedCommit} ${resultRef}\n\n`),
    packed,
  ]);
  const bundleFile = path.join(fixture.folder, `${randomUUID()}.bundle`);
  writeFileSync(bundleFile, bundle);
  return {
    bundleFile,
    sha256: createHash('sha256').update(bundle).digest('hex'),
    attemptId: newId(),
    resultRef,
    baseOid: crafted.base,
    claimedCommit,
    title: 'Change a file',
    ...changed,
  };
}

/** The names of all objects a repository holds itself, borrowed ones left out, and all its references. */
export function ownContent(repository: string): { readonly objects: ReadonlySet<string>; readonly references: string } {
  const packs = readdirSync(path.join(repository, 'objects', 'pack')).filter((name) => name.endsWith('.idx'));
  const packed = packs.flatMap((name) =>
    git(repository, ['show-index'], readFileSync(path.join(repository, 'objects', 'pack', name)))
      .split('\n')
      .map((line) => line.split(' ')[1] ?? ''),
  );
  const loose = readdirSync(path.join(repository, 'objects'))
    .filter((name) => /^[0-9a-f]{2}$/u.test(name))
    .flatMap((name) => readdirSync(path.join(repository, 'objects', name)).map((rest) => `${name}${rest}`));
  return { objects: new Set([...packed, ...loose]), references: git(repository, ['for-each-ref']) };
}

/** A project whose folders cannot exist: whatever gets as far as starting git shows in `calls`, and fails. */
export function openNowhere(options: Partial<RepositoriesOptions> = {}): {
  readonly repositories: ProjectRepositories;
  readonly calls: (readonly string[])[];
} {
  const calls: (readonly string[])[] = [];
  const repositories = openRepositories({
    mirrorFolder: '/dev/null/mirror',
    vaultFolder: '/dev/null/vault',
    quarantineFolder: '/dev/null/quarantine',
    source: { url: '/dev/null/source', isFolder: true },
    protectedBranches: ['main'],
    onArguments: (argumentList) => calls.push(argumentList),
    ...options,
  });
  return { repositories, calls };
}
