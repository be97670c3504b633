import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { AppError } from '../../agent-bus/protocol/src/app-error.ts';
import { toolErrors } from '../errors.ts';
import { binOf, runNode } from '../run-tool.ts';
import { rowPattern } from './cited-tests.ts';
import type { Mutation, Requirement } from './requirement.ts';

const report = z.object({
  testResults: z.array(z.object({ assertionResults: z.array(z.object({ fullName: z.string(), status: z.string() })) })),
});

/** How the tests that cite a row ended. */
interface Outcome {
  readonly passed: number;
  readonly failed: number;
  readonly output: string;
}

/**
 * What came of one mutation. `killed`: a test citing the row failed. `SURVIVED`: all still passed. `UNCLEAR`: nothing
 * can be concluded, because none ran or passed unbroken, or the break stopped them from running at all.
 */
export interface Verdict {
  readonly verdict: 'killed' | 'SURVIVED' | 'UNCLEAR';
  readonly detail: string;
}

async function runCitingTests(root: string, row: string, files: readonly string[]): Promise<Outcome> {
  const out = join(root, 'mutation-report.json');
  await rm(out, { force: true });
  const vitest = await binOf(root, 'vitest');
  const pattern = rowPattern(row);
  const options = ['--reporter=json', `--outputFile=${out}`, '--testNamePattern', pattern.source];
  const run = await runNode(root, [vitest, 'run', ...options, ...files]);
  const text = await readFile(out, 'utf8').catch(() => '{"testResults":[]}');
  const tests = report.parse(JSON.parse(text)).testResults.flatMap((file) => file.assertionResults);
  const count = (status: string): number =>
    tests.filter((test) => test.status === status && pattern.test(test.fullName)).length;
  return { passed: count('passed'), failed: count('failed'), output: run.output };
}

/** Says of each break whose text does not occur exactly once in its file that it does not apply: such a break shows nothing. */
export async function misplacedMutations(root: string, { row, mutation }: Requirement): Promise<readonly AppError[]> {
  const errors: AppError[] = [];
  for (const { file, find } of mutation) {
    const text = await readFile(join(root, file), 'utf8').catch(() => '');
    const count = text.split(find).length - 1;
    if (count !== 1) errors.push(toolErrors.AC_MUTATION_MISPLACED({ row, file, count }));
  }
  return errors;
}

/** Applies one mutation in the copy, runs the tests, and puts the file back. */
async function tryMutation(
  copy: string,
  row: string,
  { file, find, replace }: Mutation,
  files: readonly string[],
): Promise<Verdict> {
  const path = join(copy, file);
  const original = await readFile(path, 'utf8');
  await writeFile(
    path,
    original.replace(find, () => replace),
  );
  try {
    const broken = await runCitingTests(copy, row, files);
    if (broken.failed > 0) return { verdict: 'killed', detail: `${broken.failed} of its tests failed` };
    if (broken.passed > 0) return { verdict: 'SURVIVED', detail: `${broken.passed} tests still pass` };
    return { verdict: 'UNCLEAR', detail: `the break stopped the tests from running:\n${broken.output}` };
  } finally {
    await writeFile(path, original);
  }
}

/** Tries every mutation of a row in a copy of the tree; `files` are the test files that cite the row. */
export async function mutateRow(
  copy: string,
  { row, mutation }: Requirement,
  files: readonly string[],
): Promise<readonly Verdict[]> {
  const intact = await runCitingTests(copy, row, files);
  if (intact.failed > 0 || intact.passed === 0) {
    const why = intact.failed > 0 ? 'its tests fail without the break' : 'none of its tests ran';
    return [{ verdict: 'UNCLEAR', detail: `${why}:\n${intact.output}` }];
  }
  const verdicts: Verdict[] = [];
  for (const each of mutation) verdicts.push(await tryMutation(copy, row, each, files));
  return verdicts;
}
