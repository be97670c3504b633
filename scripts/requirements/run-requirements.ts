import { parseArgs } from 'node:util';
import { toolErrors } from '../errors.ts';
import { errorLines } from '../print-error.ts';
import { listTests, rowPattern, rowsIn, type CitingTest } from './cited-tests.ts';
import { misplacedMutations, mutateRow } from './mutate.ts';
import { readRequirements, type Requirement } from './requirement.ts';
import { copyTree } from './tree-copy.ts';

/** A claimed row with the tests that cite it. */
interface Shown {
  readonly requirement: Requirement;
  readonly tests: readonly CitingTest[];
}

function printTable(shown: readonly Shown[], tests: readonly CitingTest[]): void {
  for (const { requirement, tests: citing } of shown) {
    console.log(`${requirement.row.padEnd(5)} ${requirement.text}`);
    for (const { file, name } of citing) console.log(`      -> ${file}: ${name}`);
  }
  const claimed = new Set(shown.map(({ requirement }) => requirement.row));
  const others = new Set(tests.flatMap(({ name }) => [...rowsIn(name)]).filter((row) => !claimed.has(row)));
  console.log(`${shown.length} rows claimed`);
  if (others.size > 0) console.log(`cited by a test but not claimed: ${[...others].toSorted().join(', ')}`);
}

/** Breaks each row and prints the verdict. True when every mutation was killed. */
async function mutate(root: string, rows: readonly Shown[]): Promise<boolean> {
  await using copy = await copyTree(root);
  let allKilled = true;
  for (const { requirement, tests } of rows) {
    const files = [...new Set(tests.map(({ file }) => file))];
    const verdicts = await mutateRow(copy.root, requirement, files);
    for (const { verdict, detail } of verdicts) {
      console.log(`${requirement.row.padEnd(5)} ${verdict}  ${detail}`);
      if (verdict !== 'killed') allKilled = false;
    }
  }
  return allKilled;
}

/**
 * The command `requirements`. Without an option it prints the rows and their tests; with `--mutate ROW` (repeatable,
 * or `all`) it breaks them. Returns the exit code: 0 all well, 1 an untested, invalid or surviving row.
 */
export async function runRequirements(root: string, commandLine: readonly string[]): Promise<number> {
  const options = { mutate: { type: 'string', multiple: true } } as const;
  const wanted = parseArgs({ args: [...commandLine], options }).values.mutate ?? [];
  const { requirements, errors: invalid } = await readRequirements(root);
  const tests = await listTests(root);
  const shown = requirements.map((requirement) => {
    const pattern = rowPattern(requirement.row);
    return { requirement, tests: tests.filter(({ name }) => pattern.test(name)) };
  });
  const misplaced = await Promise.all(requirements.map((requirement) => misplacedMutations(root, requirement)));
  const errors = [
    ...invalid,
    ...misplaced.flat(),
    ...shown
      .filter(({ tests: citing }) => citing.length === 0)
      .map(({ requirement: { row } }) => toolErrors.AC_REQUIREMENT_UNTESTED({ row })),
    ...wanted
      .filter((row) => row !== 'all' && !requirements.some((each) => each.row === row))
      .map((row) => toolErrors.AC_REQUIREMENT_UNKNOWN({ row })),
  ];
  if (wanted.length === 0) printTable(shown, tests);
  for (const error of errors) console.log(errorLines(error));
  if (errors.length > 0) return 1;
  if (wanted.length === 0) return 0;
  const rows = shown.filter(({ requirement }) => wanted.includes('all') || wanted.includes(requirement.row));
  return (await mutate(root, rows)) ? 0 : 1;
}
