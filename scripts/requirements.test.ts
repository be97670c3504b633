import { cp, mkdir, mkdtemp, readFile, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { runNode, type ToolRun } from './run-tool.ts';

// Every test starts whole programs; on a busy machine that takes its time.
vi.setConfig({ testTimeout: 60_000 });

const repository = resolve(import.meta.dirname, '..');

const row = (fields: object): string => JSON.stringify({ text: 'sums are right', ...fields });
const breakAdd = { file: 'sums/add.ts', find: 'left + right', replace: 'left - right' };

/** A repository of one workspace with three claimed rows, of which the last has a test that notices nothing. */
const fixture: Readonly<Record<string, string>> = {
  'package.json': JSON.stringify({ type: 'module', private: true, workspaces: ['sums'] }),
  'vitest.config.ts': `export default { test: { include: ['**/*.test.ts'] } };\n`,
  'sums/package.json': JSON.stringify({ name: 'sums', type: 'module', exports: './add.ts' }),
  'sums/add.ts': 'export const add = (left: number, right: number): number => left + right;\n',
  'tests/sums.test.ts': `
    import { describe, expect, it, vi } from 'vitest';
    import { add } from 'sums';
    describe('C9 adding', () => {
      it('adds', () => expect(add(1, 2)).toBe(3));
    });
    it.each([11])('S%i-fold', () => expect(add(0, 2)).toBe(2));
    it('S2 tests nothing', () => expect(add).toBeTypeOf('function'));
    it('H30 is not claimed, nor is S200', () => expect(1).toBe(1));
  `,
  'requirements/C9.json': row({ row: 'C9', mutation: breakAdd }),
  'requirements/S11.json': row({
    row: 'S11',
    mutation: [breakAdd, { file: 'sums/add.ts', find: '=> left + right', replace: '=> Number.NaN' }],
  }),
  'requirements/S2.json': row({ row: 'S2', mutation: breakAdd }),
};

async function requirements(
  commandLine: readonly string[],
  changes: Readonly<Record<string, string>> = {},
): Promise<ToolRun> {
  const root = await realpath(await mkdtemp(join(tmpdir(), 'requirements-fixture-')));
  try {
    for (const tool of ['requirements', 'requirements.mjs', 'errors.ts', 'print-error.ts', 'run-tool.ts']) {
      await cp(join(repository, 'scripts', tool), join(root, 'scripts', tool), { recursive: true });
    }
    const files = { ...fixture, ...changes };
    const appError = 'agent-bus/protocol/src/app-error.ts';
    await cp(join(repository, appError), join(root, appError));
    for (const [file, text] of Object.entries(files)) {
      await mkdir(dirname(join(root, file)), { recursive: true });
      await writeFile(join(root, file), text);
    }
    await mkdir(join(root, 'node_modules'));
    for (const name of ['vitest', 'zod']) {
      await symlink(join(repository, 'node_modules', name), join(root, 'node_modules', name));
    }
    await symlink('../sums', join(root, 'node_modules/sums'));
    const run = await runNode(root, ['scripts/requirements.mjs', ...commandLine], { VITEST: '' });
    expect(await readFile(join(root, 'sums/add.ts'), 'utf8')).toBe(files['sums/add.ts']);
    return run;
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}

describe('npm run requirements', () => {
  it('prints the rows with the tests that name them', async () => {
    const run = await requirements([]);
    expect(run.output).toContain('C9    sums are right\n      -> tests/sums.test.ts: C9 adding > adds\n');
    expect(run.output).toContain('S11   sums are right\n      -> tests/sums.test.ts: S11-fold\n');
    expect(run.output).toContain('3 rows claimed\ncited by a test but not claimed: H30, S200\n');
    expect(run.code).toBe(0);
  });

  it('fails on a claimed row without a test and on a file that is no requirement', async () => {
    const run = await requirements([], {
      'requirements/S3.json': row({ row: 'S3', mutation: breakAdd }),
      'requirements/S4.json': row({ row: 'S5', mutation: breakAdd }),
      'requirements/S6.json': row({ row: 'S6' }),
    });
    expect(run.output).toContain('AC_REQUIREMENT_UNTESTED: row S3');
    expect(run.output).toContain('AC_REQUIREMENT_INVALID: requirements/S4.json');
    expect(run.output).toContain('AC_REQUIREMENT_INVALID: requirements/S6.json');
    expect(run.code).toBe(1);
  });

  it('sees a mutation killed, in a workspace imported by name, and leaves the tree alone', async () => {
    const run = await requirements(['--mutate', 'C9', '--mutate', 'S11']);
    expect(run.output).toBe(
      'C9    killed  1 of its tests failed\nS11   killed  1 of its tests failed\nS11   killed  1 of its tests failed\n',
    );
    expect(run.code).toBe(0);
  });

  it('reports a mutation that no test notices', async () => {
    const run = await requirements(['--mutate', 'all']);
    expect(run.output).toContain('C9    killed');
    expect(run.output).toContain('S2    SURVIVED  1 tests still pass');
    expect(run.code).toBe(1);
  });

  it('does not call a mutation killed when it is no program any more', async () => {
    const run = await requirements(['--mutate', 'C9'], {
      'requirements/C9.json': row({ row: 'C9', mutation: { ...breakAdd, find: 'export', replace: 'ex port' } }),
    });
    expect(run.output).toContain('UNCLEAR  the break stopped the tests');
    expect(run.code).toBe(1);
  });

  it.each([
    ['occurs twice', { find: 'right' }, 'of row C9 does not apply: its text occurs 2 times in sums/add.ts'],
    ['is gone', { find: 'lost' }, 'occurs 0 times in sums/add.ts'],
    ['lies in a file that is gone', { file: 'sums/lost.ts' }, 'occurs 0 times in sums/lost.ts'],
  ])('fails on a mutation whose text %s, also where none is carried out', async (_, change, says) => {
    const run = await requirements([], {
      'requirements/C9.json': row({ row: 'C9', mutation: { ...breakAdd, ...change } }),
    });
    expect(run.output).toContain('AC_MUTATION_MISPLACED: ');
    expect(run.output).toContain(says);
    expect(run.code).toBe(1);
  });

  it('does not call a mutation killed when the tests are red without it', async () => {
    const wrong = {
      'sums/add.ts': 'export const add = (left: number, right: number): number => left + right + 1;\n',
    };
    const run = await requirements(['--mutate', 'C9'], wrong);
    expect(run.output).toContain('UNCLEAR  its tests fail without the break');
    expect(run.code).toBe(1);
  });

  it('refuses a row that nobody recorded', async () => {
    const run = await requirements(['--mutate', 'C7']);
    expect(run.output).toContain('AC_REQUIREMENT_UNKNOWN: no requirement is recorded for row C7');
    expect(run.code).toBe(1);
  });
});
