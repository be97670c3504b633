import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { binOf, runNode } from './run-tool.ts';
import { plantTree, type PlantedTree } from './testing/planted-tree.ts';

interface Planted {
  /** What the wall says, as the name of the case. */
  readonly wall: string;
  readonly file: string;
  readonly text: string;
  /** The rule that must turn red, and a part of its message. */
  readonly rule: string;
  readonly says?: string;
}

const walls = 'walls(imports)';

/** A file of one import that must be refused, or accepted where the text is one of `allowed`. */
function importing(file: string, specifier: string, says: string): Planted {
  return { wall: `${file} -> ${specifier}`, file, text: `import '${specifier}';\n`, rule: walls, says };
}

const importWalls: readonly Planted[] = [
  importing('agent-bus/protocol/src/p1.ts', 'yaml', 'protocol may not import yaml'),
  importing('agent-bus/protocol/src/p2.ts', 'node:fs', 'protocol may not import node:fs'),
  importing('agent-bus/src/c1.ts', 'better-sqlite3', 'bus core may not import better-sqlite3'),
  importing('agent-bus/src/c5.ts', 'ioredis', 'bus core may not import ioredis'),
  importing('agent-bus/src/adapters/redis/r1.ts', '../sqlite/clean.ts', 'bus adapter redis may not import'),
  importing('agent-bus/src/adapters/redis/r2.ts', 'better-sqlite3', 'bus adapter redis may not import better-sqlite3'),
  importing('agent-bus/src/c2.ts', 'zod', 'bus core may not import zod'),
  importing('agent-bus/src/c3.ts', './adapters/sqlite/clean.ts', 'bus core may not import bus adapter sqlite'),
  importing('agent-bus/src/c4.ts', '../protocol/src/clean.ts', 'reaches into another package by path'),
  importing('agent-bus/src/adapters/sqlite/a1.ts', '../other/clean.ts', 'bus adapter sqlite may not import'),
  importing('agent-bus/src/adapters/sqlite/a2.ts', 'dockerode', 'bus adapter sqlite may not import dockerode'),
  importing(
    'agent-bus/src/adapters/file/f1.ts',
    '../sqlite/clean.ts',
    'bus adapter file may not import bus adapter sqlite',
  ),
  importing('agent-bus/src/adapters/other/o1.ts', 'zod', 'has no zone'),
  importing('orchestrator/src/company/s1.ts', '../engine/clean.ts', 'company may not import engine'),
  importing('orchestrator/src/company/s2.ts', './../git/repositories.ts', 'company may not import ports'),
  importing('orchestrator/src/company/s3.ts', 'node:fs', 'company may not import node:fs'),
  importing('orchestrator/src/company/s4.ts', 'timers', 'company may not import node:timers'),
  importing(
    'orchestrator/src/company/s5.ts',
    '@agentcompany/agent-bus',
    'company may not import @agentcompany/agent-bus',
  ),
  importing('orchestrator/src/agents/merger/g1.ts', '../../engine/clean.ts', 'agents may not import engine'),
  importing('orchestrator/src/agents/merger/g2.ts', '../../git/clean.ts', 'agents may not import git'),
  importing('orchestrator/src/agents/merger/g3.ts', 'node:fs', 'agents may not import node:fs'),
  importing('orchestrator/src/engine/e1.ts', '../containers/docker/clean.ts', 'engine may not import containers'),
  importing('orchestrator/src/engine/e2.ts', '../git/clean.ts', 'engine may not import git'),
  importing('orchestrator/src/engine/e3.ts', 'better-sqlite3', 'engine may not import better-sqlite3'),
  importing('orchestrator/src/engine/e4.ts', '../open-company.ts', 'engine may not import open-company'),
  importing('orchestrator/src/api/i1.ts', '../engine/clean.ts', 'api may not import engine'),
  importing('orchestrator/src/api/i2.ts', '../git/clean.ts', 'api may not import git'),
  importing('orchestrator/src/contract/k1.ts', 'node:fs', 'contract may not import node:fs'),
  importing('orchestrator/src/hosts/h1.ts', '../api/clean.ts', 'hosts may not import api'),
  importing('orchestrator/src/hosts/h2.ts', 'fastify', 'hosts may not import fastify'),
  importing('orchestrator/src/uploads/l1.ts', '../engine/clean.ts', 'uploads may not import engine'),
  importing('orchestrator/src/door/d1.ts', '../engine/clean.ts', 'door may not import engine'),
  importing('orchestrator/src/containers/docker/n1.ts', '../../git/clean.ts', 'containers may not import git'),
  importing('orchestrator/src/containers/docker/n2.ts', 'simple-git', 'containers may not import simple-git'),
  importing('orchestrator/src/git/t1.ts', 'dockerode', 'git may not import dockerode'),
  importing('orchestrator/src/git/t2.ts', '../company/clean.ts', 'git may not import company'),
  importing('orchestrator/src/forges/local/f1.ts', '../../engine/clean.ts', 'forge local may not import engine'),
  importing('orchestrator/src/forges/local/f2.ts', 'simple-git', 'forge local may not import simple-git'),
  importing('orchestrator/src/git/repositories.ts', './clean.ts', 'ports may not import git'),
  importing('orchestrator/src/models/m1.ts', 'openai', 'models may not import openai'),
  importing('orchestrator/src/models/m2.ts', './anthropic/clean.ts', 'models may not import models anthropic'),
  importing('orchestrator/src/models/anthropic/m3.ts', 'openai', 'models anthropic may not import openai'),
  importing('orchestrator/src/models/openai/m4.ts', '@anthropic-ai/sdk', 'models openai may not import'),
  importing('orchestrator/src/models/gemini/m5.ts', 'ollama', 'models gemini may not import ollama'),
  importing('orchestrator/src/models/ollama/m6.ts', '@google/genai', 'models ollama may not import @google/genai'),
  importing('orchestrator/src/models/ollama/m7.ts', '../gemini/clean.ts', 'models ollama may not import models gemini'),
  importing(
    'orchestrator/src/desk/d7.ts',
    '@modelcontextprotocol/sdk',
    'desk may not import @modelcontextprotocol/sdk',
  ),
  importing('orchestrator/src/mcp/m10.ts', '@agentcompany/agent-bus', 'mcp may not import @agentcompany/agent-bus'),
  importing('orchestrator/src/models/m8.ts', '@pydantic/genai-prices', 'models may not import @pydantic/genai-prices'),
  importing('orchestrator/src/agents/manager/m9.ts', '../../models/openai/clean.ts', 'agents may not import models'),
  importing('orchestrator/src/open-models.ts', 'openai', 'open-company may not import openai'),
  importing('orchestrator/src/company-facade.ts', './engine/clean.ts', 'facade may not import engine'),
  importing('orchestrator/src/open-company.ts', 'dockerode', 'open-company may not import dockerode'),
  importing('orchestrator/src/unheard-of/u1.ts', 'zod', 'has no zone'),
  importing('orchestrator/src/engine/e5.ts', '../company/clean.test.ts', 'product code may not import tests'),
  importing('orchestrator/src/engine/e6.ts', '@agentcompany/agent-bus/testing', 'product code may not import'),
  importing('worker-image/src/w1.ts', '@agentcompany/orchestrator', 'worker-image may not import'),
  importing('worker-image/src/w2.ts', 'yaml', 'worker-image may not import yaml'),
  importing('tools/cli/src/l1.ts', '@agentcompany/agent-bus', 'cli may not import @agentcompany/agent-bus'),
  importing('tools/cli/src/l2.ts', '@agentcompany/orchestrator', 'only lazily'),
];

/** Every way to write an import meets the same wall. */
const importForms: readonly Planted[] = (
  [
    ['import type', `import type { X } from 'dockerode';\nexport type Y = X;\n`],
    ['the type form import("x").T', `export type Y = import('dockerode').X;\n`],
    ['typeof import("x")', `export type Y = typeof import('dockerode');\n`],
    ['import()', `export const y = import('dockerode');\n`],
    ['import() of a template', 'export const y = import(`dockerode`);\n'],
    ['require()', `declare const require: (id: string) => unknown;\nexport const y = require('dockerode');\n`],
    ['export from', `export { default as y } from 'dockerode';\n`],
    ['export * from', `export * from 'dockerode';\n`],
    ['export type from', `export type { X } from 'dockerode';\n`],
    ['a sub-path', `import 'dockerode/lib/docker.js';\n`],
  ] as const
).map(([wall, text], index) => ({
  wall,
  file: `orchestrator/src/company/form-${index}.ts`,
  text,
  rule: walls,
  says: 'company may not import dockerode',
}));

const otherRules: readonly Planted[] = [
  ...(
    [
      ['crypto', 'no-restricted-globals'],
      ['process', 'no-restricted-globals'],
      ['setTimeout', 'no-restricted-globals'],
      ['performance', 'no-restricted-globals'],
      ['globalThis', 'no-restricted-globals'],
      ['Math.random', 'no-restricted-properties'],
    ] as const
  ).map(([name, rule], index) => ({
    wall: `company is pure: ${name}`,
    file: `orchestrator/src/company/pure-${index}.ts`,
    text: `export const value = ${name};\n`,
    rule: `eslint(${rule})`,
  })),
  ...['Date', 'Date.now()', 'new Date()', 'Date()', `Date['now']()`].map((text, index) => ({
    wall: `company has no clock: ${text}`,
    file: `orchestrator/src/company/clock-${index}.ts`,
    text: `export const value = ${text};\n`,
    rule: 'walls(no-clock)',
  })),
  {
    wall: 'company is pure: newId',
    file: 'orchestrator/src/company/pure-id.ts',
    text: `import { newId } from '@agentcompany/protocol';\nexport const value = newId();\n`,
    rule: 'eslint(no-restricted-imports)',
  },
  ...['orchestrator/src/engine', 'agent-bus/src', 'worker-image/src', 'tools/cli/src'].map((folder) => ({
    wall: `${folder} does not read the environment`,
    file: `${folder}/environment.ts`,
    text: 'export const home = process.env;\n',
    rule: 'eslint(no-restricted-properties)',
  })),
  {
    wall: 'env is not imported',
    file: 'orchestrator/src/engine/env-import.ts',
    text: `import { env } from 'node:process';\nexport const home = env;\n`,
    rule: 'eslint(no-restricted-imports)',
  },
  {
    wall: 'env is not destructured',
    file: 'orchestrator/src/engine/env-destructured.ts',
    text: `export const { env } = process;\n`,
    rule: 'eslint(no-restricted-properties)',
  },
  {
    wall: 'no cycle',
    file: 'orchestrator/src/engine/cycle-one.ts',
    text: `import { two } from './cycle-two.ts';\nexport const one = (): unknown => two;\n`,
    rule: 'import(no-cycle)',
  },
  {
    wall: 'no any',
    file: 'orchestrator/src/engine/any.ts',
    text: 'export const loose = (value: any): string => String(value);\n',
    rule: 'typescript(no-explicit-any)',
  },
  {
    wall: 'no floating promise (type-aware)',
    file: 'orchestrator/src/engine/floating.ts',
    text: 'export function start(): void {\n  Promise.resolve(1);\n}\n',
    rule: 'typescript(no-floating-promises)',
  },
  {
    wall: 'no console outside the CLI',
    file: 'orchestrator/src/engine/console.ts',
    text: `export const hello = (): void => console.log('hello');\n`,
    rule: 'eslint(no-console)',
  },
  {
    wall: 'no file over 500 lines',
    file: 'orchestrator/src/engine/long.ts',
    text: `export const long = [\n${'  1,\n'.repeat(500)}];\n`,
    rule: 'eslint(max-lines)',
  },
  {
    wall: 'no function over 80 lines',
    file: 'orchestrator/src/engine/long-function.ts',
    text: `export function long(): number {\n  let sum = 0;\n${'  sum += 1;\n'.repeat(80)}  return sum;\n}\n`,
    rule: 'eslint(max-lines-per-function)',
  },
];

const planted = [...importWalls, ...importForms, ...otherRules];

/** Neighbours for the imports above, and every kind of import that the walls allow. */
const clean: Readonly<Record<string, string>> = {
  'agent-bus/protocol/src/clean.ts': `import 'zod';\n`,
  'agent-bus/src/clean.ts': `import '@agentcompany/protocol';\nimport 'node:crypto';\n`,
  'agent-bus/src/open-bus.ts': `export const open = () => import('./adapters/sqlite/clean.ts');\n`,
  'agent-bus/src/adapters/sqlite/clean.ts': `import 'better-sqlite3';\nimport '../../clean.ts';\n`,
  'agent-bus/src/adapters/redis/clean.ts': `import 'ioredis';\nimport '../../clean.ts';\n`,
  'orchestrator/src/errors.ts': `import '@agentcompany/protocol';\n`,
  'orchestrator/src/company/clean.ts': `import '@agentcompany/protocol';\nimport '../errors.ts';\n`,
  'orchestrator/src/company/recorded-time.ts': `export const dayAfter = (time: string): Date => new Date(Date.parse(time) + 86_400_000);\n`,
  'orchestrator/src/company/clean.test.ts': `import 'node:fs';\nimport '../engine/clean.ts';\nexport const now = Date.now();\n`,
  'orchestrator/src/agents/merger/clean.ts': `import '../../company/clean.ts';\nimport '../../forges/forge.ts';\n`,
  'orchestrator/src/engine/clean.ts': `import '../agents/merger/clean.ts';\nimport '../door/clean.ts';\nimport '@agentcompany/agent-bus';\n`,
  'orchestrator/src/engine/company-lock.ts': `import 'better-sqlite3';\n`,
  'orchestrator/src/engine/cycle-two.ts': `import { one } from './cycle-one.ts';\nexport const two = (): unknown => one;\n`,
  'orchestrator/src/uploads/clean.ts': `import 'node:fs';\n`,
  'orchestrator/src/contract/clean.ts': `import '@agentcompany/protocol';\nimport 'zod';\n`,
  'orchestrator/src/api/clean.ts': `import 'fastify';\nimport '../contract/clean.ts';\nimport '../uploads/clean.ts';\n`,
  'orchestrator/src/hosts/clean.ts': `import '../contract/clean.ts';\nimport '../engine/clean.ts';\nimport '../git/clean.ts';\n`,
  'orchestrator/src/door/clean.ts': `import 'node:http2';\nimport '@agentcompany/protocol';\n`,
  'orchestrator/src/containers/docker/clean.ts': `import 'dockerode';\nimport '../container-engine.ts';\n`,
  'orchestrator/src/containers/container-engine.ts': `import '@agentcompany/protocol';\n`,
  'orchestrator/src/git/clean.ts': `import 'simple-git';\nimport 'node:fs';\n`,
  'orchestrator/src/forges/forge.ts': `import '@agentcompany/protocol';\n`,
  'orchestrator/src/forges/local/clean.ts': `import '../forge.ts';\nimport '../../git/clean.ts';\n`,
  'orchestrator/src/config.ts': `export const home = process.env['HOME'];\n`,
  'orchestrator/src/index.ts': `import './engine/clean.ts';\nimport './containers/docker/clean.ts';\n`,
  'worker-image/src/clean.ts': `import '@agentcompany/protocol';\nimport 'node:http2';\n`,
  'tools/cli/src/clean.ts':
    `import 'commander';\nimport type { Company } from '@agentcompany/orchestrator';\n` +
    `export const open = (): Promise<unknown> => import('@agentcompany/orchestrator');\n` +
    `export type Opened = Company;\nconsole.log('ready');\n`,
};

/** The clean neighbour that closes the planted cycle is itself part of it. */
const partOfCycle = 'orchestrator/src/engine/cycle-two.ts';

interface Finding {
  readonly filename: string;
  readonly code: string;
  readonly message: string;
  readonly severity: string;
}

describe('the walls', () => {
  let tree: PlantedTree;
  let findings: readonly Finding[];

  beforeAll(async () => {
    tree = await plantTree({ ...clean, ...Object.fromEntries(planted.map(({ file, text }) => [file, text])) });
    const oxlint = await binOf(tree.root, 'oxlint');
    const { output } = await runNode(tree.root, [oxlint, '--type-aware', '--format', 'json']);
    findings = (JSON.parse(output) as { diagnostics: Finding[] }).diagnostics;
  }, 20_000);
  afterAll(async () => tree[Symbol.asyncDispose]());

  it.each(planted)('turn red on a planted violation: $wall', ({ file, rule, says }) => {
    const found = findings.filter((each) => each.filename === file && each.code === rule);
    expect(found.map((each) => each.message).join('\n')).toContain(says ?? '');
    expect(found.map((each) => each.severity)).toContain('error');
  });

  it.each(Object.keys(clean).filter((file) => file !== partOfCycle))('let %s through', (file) => {
    expect(findings.filter((each) => each.filename === file)).toEqual([]);
  });
});
