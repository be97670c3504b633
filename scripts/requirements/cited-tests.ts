import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { z } from 'zod';
import { binOf, runNode } from '../run-tool.ts';

/** A test as vitest lists it: its file relative to the root, and its full name with those of its groups. */
export interface CitingTest {
  readonly file: string;
  readonly name: string;
}

const listing = z.array(z.object({ name: z.string(), file: z.string() }));

/** The row ids in a test's name, as whole words. */
export function rowsIn(name: string): ReadonlySet<string> {
  return new Set(name.match(/\b[CHPSW]\d{1,3}\b/g) ?? []);
}

/** Matches the full name of a test that cites the row. */
export function rowPattern(row: string): RegExp {
  return new RegExp(`\\b${row}\\b`);
}

/**
 * Every test there is, as vitest itself collects them: names built by templates and tables are seen as they run.
 * Throws when a test file cannot be collected, since no answer would then be true.
 */
export async function listTests(root: string): Promise<readonly CitingTest[]> {
  const scratch = await mkdtemp(join(tmpdir(), 'requirements-'));
  try {
    const out = join(scratch, 'tests.json');
    const run = await runNode(root, [await binOf(root, 'vitest'), 'list', '--staticParse=false', `--json=${out}`]);
    if (run.code !== 0) throw new Error(`vitest could not list the tests:\n${run.output}`);
    const tests = listing.parse(JSON.parse(await readFile(out, 'utf8')));
    return tests.map(({ file, name }) => ({ file: relative(root, file), name }));
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}
