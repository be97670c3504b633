import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { globSync, readdirSync, readFileSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as pass } from 'node:timers/promises';
import { newId, unwrap } from '@agentcompany/protocol';
import { describe, expect, it, vi } from 'vitest';
import {
  commitAll,
  createGitFixture,
  git,
  startRun,
  workerResult,
  writeFiles,
  type GitFixture,
} from '../orchestrator/src/git/testing/git-fixture.ts';
import { wholeLine, type GitLine } from './support/git-line.ts';

const child = join(import.meta.dirname, 'support', 'git-line-child.ts');
const many = (name: string): Record<string, string> =>
  Object.fromEntries(
    Array.from({ length: 60 }, (_, index) => [`${name}/${index}.txt`, `${name} ${index}\n`.repeat(400)]),
  );

/** A project with new commits to fetch, and a result to take in. */
async function lineOf(fixture: GitFixture): Promise<GitLine> {
  const { base } = await startRun(fixture);
  const request = workerResult(fixture, base, many('result'));
  writeFiles(fixture.source, many('moved'));
  commitAll(fixture.source);
  const { mirrorFolder, quarantineFolder, source: url, vaultFolder } = fixture;
  const repositories = {
    mirrorFolder,
    vaultFolder,
    quarantineFolder,
    source: { url, isFolder: true },
    protectedBranches: ['main'],
  };
  return { repositories, runId: newId(), request };
}

/** The other processes of whose environment or command line this is a part. */
function processesWith(part: string, place: 'environ' | 'cmdline'): readonly number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter((name) => {
      try {
        return readFileSync(`/proc/${name}/${place}`, 'utf8').includes(part);
      } catch {
        return false;
      }
    })
    .map(Number);
}

/** The git calls of the whole line, up to the one at which process and git are killed, `delayMs` after it was told of; null: none is. */
async function run(
  fixture: GitFixture,
  line: GitLine,
  killAt: number | null,
  delayMs: number,
): Promise<readonly string[]> {
  const words = ['--conditions=development', child, JSON.stringify(line)];
  const started = spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(started, 'close');
  const calls: string[] = [];
  for await (const call of createInterface({ input: started.stdout })) {
    calls.push(call);
    if (calls.length - 1 !== killAt) continue;
    await pass(delayMs);
    started.kill('SIGKILL');
    for (const pid of processesWith(`GIT_DIR=${fixture.folder}`, 'environ')) kill(pid);
    break;
  }
  await ended;
  // The other end of a push is no process of ours: it comes to its own end.
  await vi.waitFor(
    () => expect(processesWith('receive-pack', 'cmdline').filter(isAt(fixture.source))).toEqual([]),
    20_000,
  );
  return calls;
}

/** It may have ended by itself in the meantime. */
function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {}
}

const isAt =
  (folder: string) =>
  (pid: number): boolean =>
    processesWith(folder, 'cmdline').includes(pid);

const leftovers = (fixture: GitFixture): readonly string[] =>
  [fixture.mirrorFolder, fixture.vaultFolder].flatMap((cwd) =>
    globSync(['**/*.lock', '**/tmp_*', 'transfer-*'], { cwd }).map((name) => join(cwd, name)),
  );

describe('a process that is killed, with the git it runs', () => {
  it('S39 in the middle of any fetch, unpacking, merge, push or change of a reference leaves sound repositories, and the next start ends with one of each', async () => {
    using whole = createGitFixture();
    const calls = await run(whole, await lineOf(whole), null, 0);
    const writing = ['fetch', 'index-pack', 'update-ref', 'merge-tree', 'commit-tree', 'pack-objects', 'push'];
    expect(writing.filter((command) => !calls.includes(command))).toEqual([]);
    const points = calls.flatMap((command, index) => (writing.includes(command) ? [index] : []));
    for (const [number, point] of points.entries()) {
      using fixture = createGitFixture();
      const line = await lineOf(fixture);
      expect(await run(fixture, line, point, (number * 3) % 11)).toHaveLength(point + 1);
      // Time passes: what is left of the dead is no longer taken for that of the living.
      const old = Date.now() / 1000 - 100_000;
      for (const file of leftovers(fixture)) utimesSync(file, old, old);
      const oid = unwrap(await wholeLine(fixture.open(), line));
      expect(git(fixture.source, ['rev-parse', 'agent/x'])).toBe(oid);
      expect(git(fixture.mirrorFolder, ['rev-list', '--count', '--merges', oid])).toBe('1');
      expect(git(fixture.vaultFolder, ['for-each-ref']).split('\n')).toHaveLength(1);
      expect(leftovers(fixture)).toEqual([]);
      for (const repository of [fixture.mirrorFolder, fixture.vaultFolder])
        expect(git(repository, ['fsck', '--strict'])).not.toMatch(/missing|broken|error/u);
    }
  }, 300_000);
});
