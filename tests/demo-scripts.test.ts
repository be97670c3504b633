import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { openDemoPackage, type DemoPackage } from './support/demo-package.ts';
import { git } from './support/open-test-company.ts';

let opened: DemoPackage | null = null;
afterEach(() => opened?.dispose());

const open = async (id: string, withFlaw?: boolean): Promise<DemoPackage> =>
  (opened = await openDemoPackage(id, withFlaw));

/** CommonJS, ES modules, both from one package, and a package of many files. */
const packages = ['ms@2.1.3', 'nanoid@5.1.6', 'kleur@4.1.5', 'semver@7.7.3', 'camelcase@8.0.0'];

/** Puts HEAD back to the published source, keeping what was made under a branch name. */
function branchOff(demo: DemoPackage, branch: string): void {
  git(demo.repository, 'branch', '-f', branch);
  git(demo.repository, 'checkout', '-q', '--detach', 'main');
}

/** `git merge-tree` on two commits: exit code 1 means conflict (git-merge-tree(1)). */
function mergeTree(
  demo: DemoPackage,
  one: string,
  other: string,
): { readonly conflict: boolean; readonly output: string } {
  try {
    return {
      conflict: false,
      output: execFileSync('git', ['-C', demo.repository, 'merge-tree', '--write-tree', '--name-only', one, other], {
        encoding: 'utf8',
      }),
    };
  } catch (cause) {
    if (cause instanceof Error && 'status' in cause && cause.status === 1 && 'stdout' in cause)
      return { conflict: true, output: String(cause.stdout) };
    throw cause;
  }
}

describe.each(packages)("the demo's scripts on %s", (id) => {
  it('change only what their tasks declare and pass the checks of their tasks and of the plan, and change nothing more when repeated', async () => {
    const demo = await open(id, false);
    for (const task of demo.plan.tasks) {
      demo.work(task.id);
      expect(demo.verify(task.id), task.id).toBeNull();
      const first = task.paths[0] ?? '';
      if (!first.includes('*') && !task.allow_empty)
        expect(git(demo.repository, 'diff', '--name-only', 'HEAD~1')).toBe(first);
    }
    for (const command of demo.plan.verify)
      execFileSync('sh', ['-c', command], { cwd: demo.repository, stdio: 'pipe' });
    for (const task of demo.plan.tasks) expect(demo.work(task.id), task.id).toBe(false);
    expect(git(demo.repository, 'diff', '--name-only', '--diff-filter=DRT', 'main')).toBe('');
  });

  it('give two results that truly conflict, and one when the second is made again on the first', async () => {
    const demo = await open(id);
    for (const task of ['contents', 'doc-link']) {
      expect(demo.work(task)).toBe(true);
      branchOff(demo, task);
    }
    const conflict = mergeTree(demo, 'contents', 'doc-link');
    expect(conflict.conflict).toBe(true);
    expect(conflict.output).toContain(demo.plan.tasks[0]?.paths[0] ?? 'nothing');
    git(demo.repository, 'checkout', '-q', '--detach', 'contents');
    expect(demo.work('doc-link')).toBe(true);
    expect(mergeTree(demo, 'contents', 'HEAD').conflict).toBe(false);
    expect([demo.verify('contents'), demo.verify('doc-link')]).toEqual([null, null]);
  });

  it('make a first draft of the smoke test that its check refuses, and mend it by what the check said', async () => {
    const demo = await open(id);
    demo.work('smoke-test');
    const said = demo.verify('smoke-test');
    expect(said).toContain("no export named 'version'");
    demo.work('smoke-test', 'something else is wrong');
    expect(demo.verify('smoke-test')).not.toBeNull();
    demo.work('smoke-test', said ?? '');
    expect(demo.verify('smoke-test')).toBeNull();
  });
});

describe('what the scripts write', () => {
  it('documents the real exports of a package', async () => {
    const demo = await open('nanoid@5.1.6');
    demo.work('api-docs');
    const text = readFileSync(join(demo.repository, 'docs', 'API.md'), 'utf8');
    for (const name of ['nanoid', 'customAlphabet', 'customRandom', 'random', 'urlAlphabet'])
      expect(text).toContain(`\n## ${name}\n`);
    expect(text).toContain('`customAlphabet(alphabet, size = 21)`');
  });

  it('keeps a script executable by its first line, and leaves files of a bundler without a header', async () => {
    const demo = await open('nanoid@5.1.6');
    demo.work('headers');
    expect(readFileSync(join(demo.repository, 'bin', 'nanoid.js'), 'utf8')).toMatch(
      /^#!.*\n\/\/ SPDX-License-Identifier: MIT\n/,
    );
    demo.dispose();
    const bundled = await open('mitt@3.0.1');
    bundled.work('headers');
    expect(readFileSync(join(bundled.repository, 'dist', 'mitt.js'), 'utf8')).not.toContain('SPDX');
    expect(existsSync(join(bundled.repository, 'index.d.ts'))).toBe(true);
  });
});
