import { cp, mkdir, readdir, symlink } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { runNode, type ToolRun } from './run-tool.ts';
import { plantTree } from './testing/planted-tree.ts';

// Every test starts whole programs; on a busy machine that takes its time.
vi.setConfig({ testTimeout: 60_000 });

const modules = resolve(import.meta.dirname, '../node_modules');

const manifest = (fields: object): string =>
  JSON.stringify({ private: true, type: 'module', version: '0.1.0', ...fields });

/** The smallest tree on which every step of the check passes. */
const house: Readonly<Record<string, string>> = {
  'package.json': manifest({
    name: 'house',
    workspaces: ['agent-bus/protocol', 'worker-image'],
    devDependencies: { knip: '*', oxfmt: '*', oxlint: '*', typescript: '*' },
  }),
  'agent-bus/protocol/package.json': manifest({
    name: '@agentcompany/protocol',
    exports: { '.': './src/index.ts' },
    dependencies: { zod: '4.6.7' },
  }),
  'agent-bus/protocol/src/index.ts': `export * from './app-error.ts';\n`,
  'worker-image/package.json': manifest({ name: '@agentcompany/worker-image', exports: { '.': './src/main.ts' } }),
  'worker-image/src/main.ts': `import { greeting } from './greeting.ts';\n\nexport const twice = [greeting, greeting];\n`,
  'worker-image/src/greeting.ts': `export const greeting = 'hello';\n`,
};

async function check(files: Readonly<Record<string, string>>): Promise<ToolRun> {
  await using tree = await plantTree({ ...house, ...files });
  return await runNode(tree.root, ['scripts/check.mjs']);
}

const failed = (run: ToolRun): readonly string[] =>
  [...run.output.matchAll(/^FAIL {2}(\S+)/gm)].map(([, step]) => step ?? '').toSorted();

describe('npm run check', () => {
  it('is green on a clean tree', async () => {
    const run = await check({});
    expect(run.output).toMatch(/^(ok .*\n)+$/);
    expect(run.code).toBe(0);
    expect([...run.output.matchAll(/^ok {4}(\S+) +\d+\.\d s$/gm)]).toHaveLength(5);
  });

  describe('on a tree with a flaw for each step', () => {
    let run: ToolRun;

    beforeAll(async () => {
      const long = `export const long = [\n${'  1,\n'.repeat(120)}];\n`;
      run = await check({
        'worker-image/src/greeting.ts': `import 'picomatch';\n\nexport const greeting: number = 'hello';\nexport const spare = 'b';\n`,
        'worker-image/src/quoted.ts': `// oxlint-disable-next-line walls/imports -- in a hurry\nexport const quoted = "yes"\n`,
        'scripts/extra.mjs': `import yaml from 'yaml';\n\nconsole.log(yaml);\n`,
        ...Object.fromEntries(['a', 'b', 'c', 'd', 'e'].map((name) => [`worker-image/src/${name}.ts`, long])),
      });
    }, 60_000);

    it('every step turns red', () => {
      expect(failed(run)).toEqual(['budget', 'format', 'lint', 'types', 'unused']);
      expect(run.code).toBe(1);
    });

    it.each([
      ['types', 'error TS2322'],
      ['lint', 'worker-image may not import picomatch'],
      ['format', 'worker-image/src/quoted.ts'],
      ['unused', 'Unlisted dependencies'],
      ['unused', 'Unused files'],
      ['unused', 'spare'],
      ['budget', 'the median file has 122 lines'],
      ['budget', 'worker-image/src/quoted.ts:1: may not disable a wall'],
    ])('%s says: %s', (step, says) => {
      const section = run.output.split(/\n\n(?=\w+:\n)/).find((part) => part.startsWith(`${step}:\n`));
      expect(section).toContain(says);
    });
  });

  it.each([
    { missing: '@oxlint', copied: 'oxlint', step: 'lint', tool: 'oxlint' },
    { missing: '@oxlint-tsgolint', copied: 'oxlint-tsgolint', step: 'lint', tool: 'oxlint-tsgolint' },
    { missing: '@oxfmt', copied: 'oxfmt', step: 'format', tool: 'oxfmt' },
    { missing: '@typescript', copied: 'typescript', step: 'types', tool: 'typescript' },
  ])('names $tool when the platform package of it in $missing is absent', async ({ missing, copied, step, tool }) => {
    await using tree = await plantTree(house, false);
    await mkdir(join(tree.root, 'node_modules'));
    for (const name of await readdir(modules)) {
      if (name.startsWith('.') || name === missing || name === copied) continue;
      await symlink(join(modules, name), join(tree.root, 'node_modules', name));
    }
    await mkdir(join(tree.root, 'node_modules/.bin'));
    await symlink('../oxlint-tsgolint/bin/tsgolint.js', join(tree.root, 'node_modules/.bin/tsgolint'));
    // A copy, as Node would look for the binary beside the real place of a link.
    await cp(join(modules, copied), join(tree.root, 'node_modules', copied), { recursive: true });
    // Without the commands of this repository that the test runner has put on the PATH.
    const run = await runNode(tree.root, ['scripts/check.mjs'], { PATH: dirname(process.execPath) });
    expect(failed(run)).toEqual([step]);
    expect(run.output).toContain(`AC_CHECK_TOOL_MISSING: the ${tool} binary for this platform`);
    expect(run.output).not.toContain('    at ');
  });
});
