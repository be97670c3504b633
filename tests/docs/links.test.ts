import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readCatalogues } from '../../scripts/errors-page/catalogues.ts';
import { codeWords, pages, readPage, root } from './pages.ts';

/** GitHub's name for a heading: lower case, spaces to hyphens, other punctuation gone. */
function anchors(page: string): readonly string[] {
  const headings = readPage(page).matchAll(/^#+ (.+)$/gm);
  return [...headings].map(([, text = '']) =>
    text
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

function linksOf(page: string): readonly string[] {
  const prose = readPage(page)
    .replace(/^```[\s\S]*?^```$/gm, '')
    .replace(/`[^`\n]*`/g, '');
  const found = [...prose.matchAll(/\]\(([^)\s]+)\)/g), ...prose.matchAll(/\b(?:src|href|srcset)="([^"]+)"/g)];
  return found.map(([, target = '']) => target).filter((target) => !/^[a-z]+:/.test(target));
}

function isDead(page: string, link: string): boolean {
  const [path = '', anchor] = link.split('#');
  const target = path === '' ? page : join(dirname(page), path);
  if (!existsSync(join(root, target))) return true;
  return anchor !== undefined && !anchors(target).includes(anchor);
}

const repositoryPath = /^(agent-bus|orchestrator|worker-image|tools|scripts|tests|docs|bench)(\/[\w.-]+)+$/;

describe('pages', () => {
  it('are found at all', () => {
    expect(pages).toEqual(expect.arrayContaining(['README.md', 'AGENTS.md', 'CHANGELOG.md', 'docs/architecture.md']));
    expect(linksOf('README.md').length).toBeGreaterThan(5);
  });

  it.each(pages)('%s links only to what exists', (page) => {
    expect(linksOf(page).filter((link) => isDead(page, link))).toEqual([]);
  });

  it.each(pages.filter((page) => !page.startsWith('docs/adr/')))('%s names only files that exist', (page) => {
    const paths = codeWords(readPage(page)).filter((word) => repositoryPath.test(word) && !/\/(dist|x\.)/.test(word));
    expect(paths.filter((path) => !existsSync(join(root, path)))).toEqual([]);
  });

  it.each(pages)('%s names only error codes and npm scripts that exist', async (page) => {
    const text = readPage(page);
    const known = new Set((await readCatalogues(root)).map(({ code }) => code));
    const codes = [...text.matchAll(/\bAC_[A-Z0-9_]*[A-Z0-9]\b/g)].map(([code]) => code);
    expect(codes.filter((code) => !known.has(code))).toEqual([]);
    const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
      scripts: Record<string, string>;
    };
    const named = [...text.matchAll(/\bnpm (?:run ([\w:]+)|(test)\b)/g)].map(([, run, test]) => run ?? test ?? '');
    expect(named.filter((name) => !Object.hasOwn(scripts, name))).toEqual([]);
  });

  it('AGENTS.md stays an index', () => {
    expect(readPage('AGENTS.md').trimEnd().split('\n').length).toBeLessThanOrEqual(90);
  });
});
