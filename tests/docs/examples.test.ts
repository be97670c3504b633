import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadPlanFile, parsePlan } from '@agentcompany/orchestrator/plan-file';
import { describe, expect, it } from 'vitest';
import { codeWords, fences, pages, readPage, root } from './pages.ts';

/** The pinned help: the options of each command by its whole name, `` for the program itself. */
const help = new Map(
  readFileSync(join(root, 'tools/cli/src/testing/help.txt'), 'utf8')
    .split(/^===== agentcompany ?/m)
    .slice(1)
    .map((part): readonly [string, string] => [part.slice(0, part.indexOf('\n')).trim(), part]),
);

/** Calls of the program in shell examples and between backticks, without what introduces them. */
function callsIn(page: string): readonly string[] {
  const shell = fences(page).filter(({ language }) => language === 'sh');
  const lines = [
    ...shell.flatMap(({ text }) => text.split('\n')),
    ...codeWords(
      readPage(page)
        .replace(/^```[\s\S]*?^```$/gm, '')
        .replaceAll('\\`', '`'),
    ),
  ];
  return lines.flatMap((line) => /^(?:node scripts\/launch\.mjs cli|agentcompany) (.+)$/.exec(line.trim())?.[1] ?? []);
}

/** What is wrong with a call: its command or an option is not in the pinned help. */
function problemOf(call: string): string | null {
  const words = (call.split(' #')[0] ?? '').replace(/"[^"]*"/g, 'TEXT').split(/\s+/);
  const command = (words[0] ?? '').startsWith('-') ? '' : ((words[0] ?? '').split('|')[0] ?? '');
  // A dot-dot-dot, a word in capitals or in braces stands for whatever command is meant.
  if (/^(…|[A-Z]+|\\?\{.*)$/.test(command)) return null;
  const word = words[1]?.split('|')[0] ?? '';
  const isGroup = [...help.keys()].some((name) => name.startsWith(`${command} `)) && word !== '';
  const whole = isGroup ? `${command} ${word}` : command;
  if (!help.has(whole)) return `no command ${whole}`;
  const unknown = words
    .filter((word) => word.startsWith('--'))
    .find((word) => !new RegExp(`${word}\\b`).test(help.get(whole) ?? ''));
  return unknown === undefined ? null : `${whole} has no ${unknown}`;
}

describe('examples in pages', () => {
  // The page about agents shows a definition, and tries it itself.
  const plans = pages.flatMap(fences).filter(({ language, page }) => language === 'yaml' && page !== 'docs/agents.md');

  it.each(plans)('a plan in $page is valid', ({ text }) => {
    const plan = parsePlan(text, { name: 'example', folder: join(root, 'docs/examples') });
    expect(plan.ok ? null : plan.error).toBeNull();
  });

  it('the README has a plan, and docs/examples/plan.yaml is valid', () => {
    expect(plans.map(({ page }) => page)).toContain('README.md');
    const plan = loadPlanFile(join(root, 'docs/examples/plan.yaml'));
    expect(plan.ok ? null : plan.error).toBeNull();
  });

  it.each(pages.filter((page) => callsIn(page).length > 0))('%s calls only commands and options that exist', (page) => {
    expect(callsIn(page).flatMap((call) => problemOf(call) ?? [])).toEqual([]);
  });

  it('calls are found at all', () => {
    expect(callsIn('README.md').length).toBeGreaterThan(5);
    expect(problemOf('run --no-such-option')).toBe('run has no --no-such-option');
    expect(problemOf('runn')).toBe('no command runn');
    expect(problemOf('pr view 1')).toBe('no command pr view');
  });

  it.each(pages.flatMap(fences).filter(({ language }) => language === 'text'))(
    'a screen in $page fits 80 columns',
    ({ text }) => {
      expect(text.split('\n').filter((line) => Array.from(line).length > 80)).toEqual([]);
    },
  );
});
