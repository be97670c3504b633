import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isPage, showHidden, showHiddenInPage } from './hidden-text.ts';

/** A text as tag characters, which no font draws. */
const asTags = (text: string): string =>
  Array.from(text, (character) => String.fromCodePoint(0xe0000 + (character.codePointAt(0) ?? 0))).join('');

const anyText = fc
  .array(fc.integer({ min: 0, max: 0x10ffff }), { maxLength: 100 })
  .map((points) => String.fromCodePoint(...points));

describe('hidden text', () => {
  it.each([
    ['zero-width characters', 'ap\u200bprove', 'ap\\u{200B}prove'],
    ['bidirectional controls', 'a\u202eb', 'a\\u{202E}b'],
    ['tag characters', `ok${asTags('no')}`, 'ok\\u{E006E}\\u{E006F}'],
    ['variation selectors as bytes', 'a\u{e0101}\u{e0150}', 'a\\u{E0101}\\u{E0150}'],
    ['a row of selectors', 'a\ufe0f\ufe0e', 'a\\u{FE0F}\\u{FE0E}'],
    ['terminal escapes and NUL', 'a\u001b[2Jb\0', 'a\\u{1B}[2Jb\\u{0}'],
    ['fillers that look like nothing', 'a\u3164b\u2800', 'a\\u{3164}b\\u{2800}'],
    ['half a pair', 'a\ud800b', 'a\\u{D800}b'],
    ['line separators', 'a\u2028b', 'a\\u{2028}b'],
  ])('S48 shows %s', (_, text, shown) => {
    expect(showHidden(text)).toBe(shown);
  });

  it('S48 leaves what a person sees as it is', () => {
    const text = 'const a = 1;\r\n\tb é 漢字 🙂 ⚠\ufe0f <!-- c -->';
    expect(showHidden(text)).toBe(text);
  });

  it('S48 marks comments of pages, one that never ends too', () => {
    expect(showHiddenInPage('a<!-- run\nthis -->b<!-- and')).toBe(
      'a[hidden from readers: <!-- run\nthis -->]b[hidden from readers: <!-- and]',
    );
    expect(['README.md', 'a/B.HTML', 'a.ts', 'md'].map(isPage)).toEqual([true, true, false, false]);
  });

  it('S48 leaves nothing hidden in any text, and showing twice is showing once', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const shown = showHidden(text);
        expect(shown.replaceAll('\ufe0f', '')).not.toMatch(/[\p{Cf}\p{Default_Ignorable_Code_Point}]/u);
        expect(showHidden(shown)).toBe(shown);
      }),
    );
  });
});
