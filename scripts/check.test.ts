import { cp, mkdir, readdir, rm, symlink } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
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

  it.each([
    ['types', 'worker-image/src/greeting.ts', `export const greeting: number = 'hello';\n`, 'TS2322'],
    [
      'lint',
      'worker-image/src/greeting.ts',
      `import 'zod';\n\nexport const greeting = 'hello';\n`,
      'may not import zod',
    ],
    ['format', 'worker-image/src/greeting.ts', `export const greeting = "hello"\n`, 'greeting.ts'],
    ['unused', 'worker-image/src/forgotten.ts', `export const forgotten = 1;\n`, 'forgotten.ts'],
    ['unused', 'worker-image/src/greeting.ts', `export const greeting = 'a';\nexport const spare = 'b';\n`, 'spare'],
    ['unused', 'scripts/extra.mjs', `import yaml from 'yaml';\n\nconsole.log(yaml);\n`, 'Unlisted dependencies'],
    [
      'budget',
      'worker-image/src/greeting.ts',
      `// oxlint-disable-next-line walls/imports -- in a hurry\nimport 'zod';\n\nexport const greeting = 'hello';\n`,
      'greeting.ts:1: may not disable a wall',
    ],
  ])('turns red at %s by %s', async (step, file, text, says) => {
    const run = await check({ [file]: text });
    expect(failed(run)).toContain(step);
    expect(run.output).toContain(says);
    expect(run.code).toBe(1);
  });

  it('holds the median length', async () => {
    const long = `export const long = [\n${'  1,\n'.repeat(120)}];\n`;
    const files = Object.fromEntries(['a', 'b', 'c', 'd', 'e'].map((name) => [`worker-image/src/${name}.ts`, long]));
    const run = await check(files);
    expect(failed(run)).toContain('budget');
    expect(run.output).toContain('the median file has 122 lines');
  });

  it('names a linter without its platform package', async () => {
    await using tree = await plantTree(house, false);
    await mkdir(join(tree.root, 'node_modules'));
    for (const name of await readdir(modules)) {
      if (name === '@oxlint' || name.startsWith('.')) continue;
      await symlink(join(modules, name), join(tree.root, 'node_modules', name));
    }
    // A copy, as Node would look for the binary beside the real place of a link.
    await rm(join(tree.root, 'node_modules/oxlint'));
    await cp(join(modules, 'oxlint'), join(tree.root, 'node_modules/oxlint'), { recursive: true });
    const run = await runNode(tree.root, ['scripts/check.mjs']);
    expect(failed(run)).toEqual(['lint']);
    expect(run.output).toContain('AC_CHECK_TOOL_MISSING: the oxlint binary for this platform');
    expect(run.output).not.toContain('    at ');
  });
});
