import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { neutralizeMarkdown } from './neutralize-markdown.ts';

describe('text from outside on a page', () => {
  it.each([
    ['an image', '![x](https://evil.example/?key=1)', '!\\[x\\](https:&#8203;//evil.example/?key=1)'],
    ['HTML that loads', '<img src=//evil.example>', '&lt;img src=//evil.example>'],
    ['a comment that hides what follows', '<!-- ', '&lt;!-- '],
    ['a link freed by a backslash', '\\[a](b)', '\\\\\\[a\\](b)'],
    ['a reference definition', '[a]: //evil.example', '\\[a\\]: //evil.example'],
    ['a name', 'ask @eve', 'ask @&#8203;eve'],
    ['a name written as a character reference', '&#64;eve', '&amp;#&#8203;64;eve'],
    ['an issue to close', 'Fixes #12, GH-3, a/b!4', 'Fixes #&#8203;12, GH&#8203;-3, a/b!&#8203;4'],
    ['an address without a scheme', 'www.evil.example', 'www&#8203;.evil.example'],
    ['a command of the forge', '/merge', '\\/merge'],
    ['a heading like one of ours', '## Tests', '\\## Tests'],
    ['a fence that swallows the rest', '~~~\n```', '\\~\\~~\n\\`\\`\\`'],
    ['hidden characters', 'a\u200bb\u202ec\u{e0041}d\0', 'abcd '],
  ])('S43 makes %s harmless', (_, text, page) => expect(neutralizeMarkdown(text)).toBe(page));

  it('S43 leaves ordinary words, paths and addresses of people as they are', () => {
    const text = 'Adds src/a_b.ts (2 files); a < b is not meant, nor 3 > 2. *Well* 100% joe@\n- a list: yes!';
    expect(neutralizeMarkdown(text)).toBe(text.replace('<', '&lt;'));
  });

  it('S43 lets no text begin a link, an image, code or HTML', () => {
    const pieces = fc.constantFrom(
      '\\',
      '[',
      '](',
      '!',
      '`',
      '<',
      '&',
      '#',
      '@',
      'a',
      '://',
      'http',
      '\n',
      '~',
      '/',
      ' ',
    );
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 30 }), (parts) => {
        const page = neutralizeMarkdown(parts.join(''));
        // What a backslash frees is text; what is left must hold nothing active.
        const rest = page.replace(/\\[\\`[\]~#/]/gu, 'x').replaceAll(/&amp;|&lt;|&#8203;/gu, '-');
        expect(rest).not.toMatch(/[[\]`<&\\]|~~|@a|:\/\/|^#|^\/a/mu);
      }),
    );
  });
});
