import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync } from 'node:fs';

const fileCount = 20_000;

/** Text of a file: about 1.5 KB once it is packed, as source code has. */
function textOf(index: number): string {
  const lines = Array.from({ length: 32 }, (_, line) =>
    createHash('sha256').update(`${index} ${line}`).digest('base64'),
  );
  return `${lines.join('\n')}\n`;
}

function bareGit(folder: string, args: readonly string[], input = ''): string {
  return execFileSync('git', ['-C', folder, ...args], { input, encoding: 'utf8', maxBuffer: 2 ** 28 }).trim();
}

/** One file with its content, as `git fast-import` reads it. */
function file(index: number, salt: number): string {
  const content = textOf(index + salt);
  return `M 100644 inline p${index % 200}/f${index}.ts\ndata ${content.length}\n${content}\n`;
}

function commit(reference: string, number: number, content: string): string {
  return `commit ${reference}\ncommitter B <b@example.com> ${1_700_000_000 + number} +0000\ndata 1\nc\n${content}\n`;
}

/** A bare repository with 20,000 files in its last commit, and before that commits that each wrote one of them. */
export function makeRepository(folder: string, commits: number): string {
  mkdirSync(folder);
  bareGit(folder, ['init', '--quiet', '--bare', '--initial-branch=main']);
  const whole = Array.from({ length: fileCount }, (_, index) => file(index, 0)).join('');
  const parts = Array.from({ length: commits - 1 }, (_, number) =>
    commit('refs/heads/main', number, file(number % fileCount, fileCount * (number + 1))),
  );
  bareGit(folder, ['fast-import', '--quiet'], [...parts, commit('refs/heads/main', commits, whole)].join(''));
  return bareGit(folder, ['rev-parse', 'main']);
}

/** Branches from `base`, each with as many commits that change one file each; no two change the same file. The commits they end at. */
export function addBranches(folder: string, base: string, branches: number, commits: number): readonly string[] {
  const name = (branch: number): string => `refs/heads/work-${branch}`;
  const numbers = Array.from({ length: branches }, (_, branch) => branch);
  const stream = numbers.map((branch) => {
    const parts = Array.from({ length: commits }, (_, number) => {
      const from = number === 0 ? `from ${base}\n` : '';
      return commit(name(branch), 10_000 + number, from + file(branch * commits + number, -1));
    });
    return parts.join('');
  });
  bareGit(folder, ['fast-import', '--quiet'], stream.join(''));
  return numbers.map((branch) => bareGit(folder, ['rev-parse', name(branch)]));
}
