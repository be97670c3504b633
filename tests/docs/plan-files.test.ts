import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { planSchema, taskSchema } from '@agentcompany/protocol';
import { describe, expect, it } from 'vitest';
import { planJsonSchema } from '../../orchestrator/src/plans/plan-file-schema.ts';
import { readCatalogues } from '../../scripts/errors-page/catalogues.ts';
import { codeWords, readPage, root, section, tableRows } from './pages.ts';

const page = 'docs/plan-files.md';
const firstWords = (heading: string): readonly string[] =>
  tableRows(section(page, heading)).map(([cell = '']) => codeWords(cell)[0] ?? '');

describe('docs/plan-files.md', () => {
  it.each([
    ['## The plan', Object.keys(planSchema.shape)],
    ['## A task', Object.keys(taskSchema.shape)],
  ])('%s lists the fields of the schema', (heading, fields) => {
    expect(firstWords(heading).toSorted()).toEqual([...fields].toSorted());
  });

  it('names codes that exist', async () => {
    const known = new Set((await readCatalogues(root)).map(({ code }) => code));
    const named = [...readPage(page).matchAll(/AC_[A-Z_]+/g)].map(([code]) => code);
    expect(named.length).toBeGreaterThan(5);
    expect(named.filter((code) => !known.has(code))).toEqual([]);
  });

  it('comes with the schema of the code for editors', () => {
    const shipped: unknown = JSON.parse(readFileSync(join(root, 'docs/plan.schema.json'), 'utf8'));
    expect(shipped).toEqual(JSON.parse(JSON.stringify(planJsonSchema())));
  });
});
