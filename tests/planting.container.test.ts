import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openTestCompany, type TestCompany } from './support/open-test-company.ts';

const run = promisify(execFile);
const child = join(import.meta.dirname, 'support', 'planting-child.ts');

let test: TestCompany;
beforeEach(async () => {
  test = await openTestCompany();
  await test.company.close();
});
afterEach(() => test.dispose());

/** A worker that plants everything that git runs or reads from a clone; each would call `canary`. */
const planting = (canary: string): string => `
  for hook in pre-commit post-commit post-checkout post-merge pre-push update post-update reference-transaction post-index-change; do
    printf '#!/bin/sh\\n${canary} hook\\n' > .git/hooks/$hook; chmod 755 .git/hooks/$hook; done
  git config core.fsmonitor '${canary} fsmonitor'; git config core.sshCommand '${canary} ssh'; git config core.pager '${canary} pager'
  git config filter.evil.clean '${canary} clean'; git config filter.evil.smudge '${canary} smudge'; git config diff.external '${canary} diff'
  git config core.hooksPath .git/hooks; git config uploadpack.packObjectsHook '${canary} pack'; git config core.alternateRefsCommand '${canary} refs'
  git config remote.origin.uploadpack '${canary} upload'; git config credential.helper '!${canary} credential'; git config include.path ../planted.config
  printf '[alias]\\n\\tstatus = !${canary} alias\\n' > planted.config; echo /etc >> .git/objects/info/alternates
  mkdir sub && git init -q --bare sub/bare && git -C sub/bare config core.fsmonitor '${canary} bare'; rm -rf sub
  echo work > work.txt; echo planted`;

it('S28 nothing that a worker plants in its clone runs on the host, where no process goes into a folder but our repositories', async () => {
  const canary = join(test.folder, 'canary.sh');
  const trace = join(test.folder, 'trace.txt');
  const node = [process.execPath, '--conditions=development', child, test.home.root, planting(canary)];
  const words = ['-f', '-qq', '-s', '4096', '-e', 'trace=execve,chdir,fchdir', '-o', trace, ...node];
  const { stdout } = await run('strace', words, { timeout: 110_000, maxBuffer: 16 * 1024 * 1024 });
  const result = JSON.parse(stdout) as { state: string; tasks: { state: string }[] };
  expect(result, stdout).toMatchObject({ state: 'published', tasks: [{ state: 'merged' }] });

  const calls = readFileSync(trace, 'utf8')
    .split('\n')
    .filter((line) => / execve\(/.test(line) && line.endsWith(' = 0'));
  const programs = new Set(calls.map((line) => /execve\("([^"]+)"/.exec(line)?.[1]?.split('/').at(-1)));
  expect(calls.length).toBeGreaterThan(10);
  // The project's source is a folder: git reaches it as it would a server, by these two, through a shell.
  const known = ['node', 'git', 'prlimit', 'dpkg-query', 'sh', 'git-upload-pack', 'git-receive-pack'];
  expect([...programs].filter((name) => !known.includes(name ?? ''))).toEqual([]);
  const shells = calls.filter((line) => /execve\("[^"]*\/sh"/.test(line));
  expect(shells.filter((line) => !/\["\/bin\/sh", "-c", "git-(upload|receive)-pack '/.test(line))).toEqual([]);
  // The first call is the watched program itself, whose argument is the planting.
  expect(calls.slice(1).filter((line) => line.includes(canary))).toEqual([]);
  expect(existsSync(canary)).toBe(false);
  const moved = readFileSync(trace, 'utf8')
    .split('\n')
    .filter((line) => / f?chdir\(/.test(line));
  expect(moved.filter((line) => !/ chdir\("(\/|[^"]*\.git)"\)/.test(line))).toEqual([]);
});
