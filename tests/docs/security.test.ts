import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { escapeAttempts } from '@agentcompany/protocol';
import { describe, expect, it } from 'vitest';
import { runtimeNames } from '../../orchestrator/src/containers/testing/runtimes.ts';
import { root, section, tableRows } from './pages.ts';

const page = 'docs/security.md';
const attempts = tableRows(section(page, '### Attempts'));
const attacks = tableRows(section(page, '### Attacks beyond that'));

describe('docs/security.md', () => {
  it('lists every attempt to get out, in the order of the code, with what came of it on each runtime', () => {
    const held = runtimeNames.map(() => 'held');
    expect(attempts).toEqual(escapeAttempts.map(({ id, row, text }) => [`\`${id}\``, text, row, ...held]));
    const head = section(page, '### Attempts')
      .split('\n')
      .find((line) => line.startsWith('| attempt'));
    expect(head).toBe(`| attempt | what is tried | row | ${runtimeNames.join(' | ')} |`);
  });

  it('names no attack that is not claimed, with a test, as a requirement', () => {
    const rows = [...attempts.map(([, , row = '']) => row), ...attacks.map(([, row = '']) => row)];
    expect(attacks.length).toBeGreaterThan(10);
    expect([...new Set(rows)].filter((row) => !existsSync(join(root, 'requirements', `${row}.json`)))).toEqual([]);
  });
});
