import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { plainTitle } from '../text/plain-title.ts';
import { attemptMessage } from './commit-message.ts';

describe('titles from outside', () => {
  it.each([
    ['Plain title', 'Plain title'],
    ['\u001b[1;31mred\u001b[0m', 'red'],
    ['\u001b]0;window\u0007title', 'title'],
    ['a\r\nInjected: header', 'a Injected: header'],
    ['abc\u202egnp.exe', 'abcgnp.exe'],
    ['zero\u200bwidth\u{e0041}tag', 'zerowidthtag'],
    ['[skip ci] [CI SKIP] deploy ***NO_CI***', 'deploy'],
    ['Fixes #12 and closes: owner/name#3', '#12 and owner/name#3'],
    ['fix the parser', 'fix the parser'],
    ['Co-authored-by: Eve', 'Eve'],
    ['[skip [skip ci]ci] fix[no ci]es #2', '#2'],
    ['', 'Untitled work'],
    ['\u0000\u200b', 'Untitled work'],
    ['\u00e9'.repeat(300), '\u00e9'.repeat(120)],
  ])('S36 makes %j plain', (title, plain) => expect(plainTitle(title)).toBe(plain));

  it.each([
    ['ask @eve and @org/team, not joe@example.com', 'ask @ eve and @ org/team, not joe@example.com'],
    ['see https://evil.example/?k=1', 'see https: //evil.example/?k=1'],
    ['a\u{e0101}b\u2063c', 'abc'],
  ])('S43 calls nobody and links nowhere: %j', (title, plain) => expect(plainTitle(title)).toBe(plain));

  it('S36 gives one line and one trailer for every title', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (title) => {
        const lines = attemptMessage(title, 'id').split('\n');
        expect(lines.slice(1)).toEqual(['', 'Attempt: id', '']);
        // oxlint-disable-next-line no-control-regex -- control characters are what must be absent
        expect(lines[0]).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e]/u);
      }),
    );
  });
});
