import { glob, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { readCatalogues, type DocumentedError } from './errors-page/catalogues.ts';
import { renderErrorsPage } from './errors-page/errors-page.ts';

const root = resolve(import.meta.dirname, '..');

describe('docs/errors.md', () => {
  let errors: readonly DocumentedError[];
  let page: string;

  beforeAll(async () => {
    errors = await readCatalogues(root);
    page = await readFile(join(root, 'docs/errors.md'), 'utf8');
  });

  it('finds the catalogues', () => {
    const files = new Set(errors.map(({ file }) => file));
    expect(files).toContain('agent-bus/protocol/src/errors.ts');
    expect(files).toContain('scripts/errors.ts');
  });

  it('has every code once and no other', () => {
    const documented = [...page.matchAll(/^### (.+)$/gm)].map(([, code = '']) => code);
    expect(documented.toSorted()).toEqual(errors.map(({ code }) => code).toSorted());
  });

  it('says of each what the catalogue says (else run node scripts/write-errors-page.mjs)', () => {
    expect(page).toBe(renderErrorsPage(errors));
  });

  it('shows message, remedy and retry advice of each code as plain text', () => {
    const shown = renderErrorsPage([
      {
        code: 'AC_X',
        file: 'agent-bus/src/errors.ts',
        message: 'no *such* {name}',
        remedy: 'Use <it>.',
        retry: 'later',
      },
    ]);
    expect(shown).toContain(
      '## agent-bus\n\n### AC_X\n\nno \\*such\\* {name}\n\n- Remedy: Use \\<it\\>.\n- Retry: try again after a while\n',
    );
  });
});

describe('the catalogues', () => {
  it('define no code twice', async () => {
    const codes = (await readCatalogues(root)).map(({ code }) => code);
    expect(codes.filter((code, index) => codes.indexOf(code) !== index)).toEqual([]);
  });

  it('live in errors.ts, and a code written elsewhere is one of theirs', async () => {
    const codes = (await readCatalogues(root)).map(({ code }) => code);
    const problems: string[] = [];
    const exclude = (path: string): boolean => /(^|\/)(node_modules|dist)$/.test(path);
    for await (const file of glob('{agent-bus,orchestrator,worker-image,tools}/**/*.ts', { cwd: root, exclude })) {
      if (/(^|\/)errors\.ts$|\.test\.ts$|\/app-error\.ts$|\/testing\//.test(file)) continue;
      const text = await readFile(join(root, file), 'utf8');
      if (/\berrorCatalogue\(/.test(text)) problems.push(`${file} defines a catalogue`);
      for (const [, code = ''] of text.matchAll(/['"](AC_[A-Z0-9_]*[A-Z0-9])['"]/g)) {
        if (!codes.some((known) => known === code || known.startsWith(`${code}_`)))
          problems.push(`${file} names ${code}`);
      }
    }
    expect(problems).toEqual([]);
  });
});
