import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { agentDefinition, commandAgent } from '@agentcompany/protocol';
import { describe, expect, it, onTestFinished } from 'vitest';
import { definitionErrors } from '../../orchestrator/src/definitions/errors.ts';
import { agentFolders, loadAgents } from '../../orchestrator/src/definitions/load-agents.ts';
import { readDefinition } from '../../orchestrator/src/definitions/read-definition.ts';
import { codeWords, fences, readPage, root, section, tableRows } from './pages.ts';

const page = 'docs/agents.md';
const rowsOf = (heading: string) => tableRows(section(page, heading));
const firstWords = (heading: string): readonly string[] => rowsOf(heading).flatMap(([first = '']) => codeWords(first));

describe('docs/agents.md', () => {
  it('names every field of a definition with its default', () => {
    expect(firstWords('## A definition').toSorted()).toEqual(Object.keys(agentDefinition.shape).toSorted());
    const defaults: Record<string, unknown> = agentDefinition.parse({ name: 'a', role: 'worker' });
    const said = rowsOf('## A definition').flatMap(([field = '', , value = '']) =>
      codeWords(value).map((word) => [codeWords(field)[0] ?? '', word] as const),
    );
    expect(said.length).toBeGreaterThan(4);
    for (const [field, value] of said) expect(String(defaults[field])).toBe(value);
  });

  it('lists the agents that are shipped, and what they are', () => {
    const shipped = loadAgents(agentFolders(root, null));
    if (!shipped.ok) throw new Error(shipped.error.message);
    const said = rowsOf('## Who is shipped').flatMap(([names = '', role = '']) =>
      codeWords(names).map((name) => `${name} ${role.trim()}`),
    );
    const known = shipped.value.map(({ definition }) => `${definition.name} ${definition.role}`);
    expect(said.toSorted()).toEqual(known.toSorted());
    expect(readPage(page)).toContain(`\`${commandAgent}\` is no file`);
  });

  it('shows a definition that can be used, and every error', () => {
    const folder = mkdtempSync(join(tmpdir(), 'agents-page-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const file = join(folder, 'migrator.yaml');
    const [example] = fences(page).filter(({ language }) => language === 'yaml');
    writeFileSync(file, example?.text ?? '');
    expect(readDefinition(file)).toMatchObject({ ok: true, value: { name: 'migrator', role: 'worker', timeout: 300 } });
    const codes = firstWords('## What is refused').filter((code) => code !== 'AC_AGENT_UNKNOWN');
    expect(codes.toSorted()).toEqual(Object.keys(definitionErrors.entries).toSorted());
  });
});
