import { globSync, readFileSync } from 'node:fs';
import { join, resolve, sep } from 'node:path';

/** The repository this file lies in. */
export const root = resolve(import.meta.dirname, '../..');

/** Every page for people, relative to the repository, with `/` between the parts. */
export const pages: readonly string[] = globSync(['*.md', 'docs/**/*.md'], { cwd: root })
  .map((file) => file.split(sep).join('/'))
  .toSorted();

export function readPage(page: string): string {
  return readFileSync(join(root, page), 'utf8');
}

/** A fenced block: the word behind the fence and what stands in it. */
export interface Fence {
  readonly page: string;
  readonly language: string;
  readonly text: string;
}

export function fences(page: string): readonly Fence[] {
  const found = readPage(page).matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm);
  return [...found].map(([, language = '', text = '']) => ({ page, language, text }));
}

/** The text under a heading, up to the next one of the same or a higher level. */
export function section(page: string, heading: string): string {
  const level = /^#+/.exec(heading)?.[0].length ?? 1;
  const text = readPage(page);
  const start = text.indexOf(`\n${heading}\n`);
  if (start === -1) throw new Error(`${page} has no heading ${heading}`);
  const rest = text.slice(start + heading.length + 2);
  const end = rest.search(new RegExp(`^#{1,${level}} `, 'm'));
  return end === -1 ? rest : rest.slice(0, end);
}

/** The rows of all tables in `text` without heads, as lists of trimmed cells. */
export function tableRows(text: string): readonly (readonly string[])[] {
  const lines = text.split('\n').map((line) => line.trim());
  return lines
    .filter(
      (line, index) =>
        line.startsWith('|') && !/^\|[-| ]+\|$/.test(line) && !/^\|[-| ]+\|$/.test(lines[index + 1] ?? ''),
    )
    .map((line) =>
      line
        .slice(1, -1)
        .split('|')
        .map((cell) => cell.trim()),
    );
}

/** What stands between backticks, in order. */
export function codeWords(text: string): readonly string[] {
  return [...text.matchAll(/`([^`]+)`/g)].map(([, word = '']) => word);
}
