import { glob, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ToolRun } from '../run-tool.ts';

/** The budget for the length of product files, in lines. */
const budget = { median: 100, ninetyFifth: 350, longest: 500 } as const;

const products = '{agent-bus,orchestrator,worker-image,tools}/**/src/**/*.ts';

/** A disabled rule must say why; the rules that hold the walls may not be disabled at all. */
const disableComment = /(?:oxlint|eslint)-disable(?:-next-line|-line)?\b(.*)/;

function disableProblem(comment: string): string | null {
  if (/walls|restricted|no-cycle|no-explicit-any/.test(comment)) return 'may not disable a wall';
  if (!/--\s*\S/.test(comment)) return 'disables a rule without ` -- reason`';
  return null;
}

async function filesUnder(root: string): Promise<readonly string[]> {
  const files: string[] = [];
  const exclude = (name: string): boolean => /(^|\/)(node_modules|dist)$/.test(name);
  for await (const file of glob(products, { cwd: root, exclude })) files.push(file);
  return files.toSorted();
}

function lengthProblems(lengths: readonly (readonly [file: string, lines: number])[]): readonly string[] {
  const sorted = lengths.map(([, lines]) => lines).toSorted((left, right) => left - right);
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  const problems = lengths
    .filter(([, lines]) => lines > budget.longest)
    .map(([file, lines]) => `${file}: ${lines} lines, at most ${budget.longest}`);
  if (at(0.5) > budget.median) problems.push(`the median file has ${at(0.5)} lines, at most ${budget.median}`);
  if (at(0.95) > budget.ninetyFifth) {
    problems.push(`one file in twenty has over ${at(0.95)} lines, at most ${budget.ninetyFifth}`);
  }
  return problems;
}

/** Checks the lengths of the product's files (tests aside) and the reasons of disabled rules (tests included). */
export async function checkStyleBudget(root: string): Promise<ToolRun> {
  const problems: string[] = [];
  const lengths: (readonly [string, number])[] = [];
  for (const file of await filesUnder(root)) {
    const lines = (await readFile(join(root, file), 'utf8')).split('\n');
    if (!file.endsWith('.test.ts')) lengths.push([file, lines.length - 1]);
    for (const [index, line] of lines.entries()) {
      const problem = disableProblem(disableComment.exec(line)?.[1] ?? '-- none');
      if (problem !== null) problems.push(`${file}:${index + 1}: ${problem}`);
    }
  }
  problems.unshift(...lengthProblems(lengths));
  return { code: problems.length === 0 ? 0 : 1, output: problems.join('\n') };
}
