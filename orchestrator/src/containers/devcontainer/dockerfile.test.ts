import { unwrap } from '@agentcompany/protocol';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { quoted, readDockerfile, writeDockerfile } from './dockerfile.ts';

interface Options {
  readonly args?: Readonly<Record<string, string>>;
  readonly target?: string;
  readonly environment?: Readonly<Record<string, string>>;
}

const ids = new Map([['debian:12', 'sha256:aa']]);
const written = (text: string, { args = {}, target, environment = {} }: Options = {}): string[] =>
  writeDockerfile(unwrap(readDockerfile('D', text, { args, target: target ?? null })), ids, environment)
    .split('\n')
    .slice(0, -1);

describe('a Dockerfile of a repository', () => {
  it('is written anew: an instruction a line, bases by their ids, the environment at the end', () => {
    const text = [
      '# a comment',
      'ARG VERSION=12',
      'from debian:${VERSION} as Base',
      'RUN one && \\',
      '  # in between',
      '',
      '  two',
      'ARG WITH=default',
      'FROM base',
      'COPY --from=base --chown=1:1 /a /b',
      'CMD ["sh"]',
    ].join('\r\n');
    expect(written(text, { args: { WITH: 'a "b" $c\\' }, environment: { A: 'x"$y' } })).toEqual([
      'FROM sha256:aa AS base',
      'RUN one &&   two',
      'ARG WITH="a \\"b\\" \\$c\\\\"',
      'FROM base',
      'COPY --from=base --chown=1:1 /a /b',
      'CMD ["sh"]',
      'ENV A="x\\"\\$y"',
    ]);
  });

  it('ends with the stage that is named', () => {
    const text = 'FROM debian:12 AS one\nRUN a\nFROM one AS two\nRUN b\nFROM two\nRUN c\n';
    expect(written(text, { target: 'two' })).toEqual(['FROM sha256:aa AS one', 'RUN a', 'FROM one AS two', 'RUN b']);
    expect(readDockerfile('D', text, { args: {}, target: 'three' })).toMatchObject({ ok: false });
  });

  it.each([
    ['FROM a\nADD http://169.254.169.254/ /x', 2, 'ADD'],
    ['FROM a\n\n add \\\n  x y', 3, 'ADD'],
    ['# escape=`\nFROM a', 1, 'directives'],
    ['# syntax=evil/frontend\nFROM a', 1, 'directives'],
    ['FROM a\nRUN --mount=type=bind,source=/ true', 2, 'RUN takes no options'],
    ['FROM a\nRUN --network=host true', 2, 'RUN takes no options'],
    ['FROM a\nRUN cat <<EOF\nADD http://x /y\nEOF', 2, 'here-documents'],
    ['FROM a\nCOPY <<"E" /x\nE', 2, 'here-documents'],
    ['FROM a\nCOPY --from=registry/image /x /y', 2, 'no earlier stage'],
    ['FROM a AS b\nCOPY --from=b /x /y', 2, 'no earlier stage'],
    ['FROM a\nCOPY --link /x /y', 2, 'only --from and --chown'],
    ['FROM a\nVOLUME /x', 2, 'VOLUME'],
    ['FROM a\nONBUILD RUN x', 2, 'ONBUILD'],
    ['FROM a\nHEALTHCHECK CMD x', 2, 'HEALTHCHECK'],
    ['FROM --platform=linux/arm64 a', 1, 'FROM takes'],
    ['FROM $UNKNOWN', 1, 'FROM takes'],
    ['ARG A=x\nFROM ${A:-b}', 2, 'FROM takes'],
    ['FROM a\nARG A=$B', 2, 'ARG takes'],
    ['RUN x', 1, 'stands before FROM'],
    ['', 1, 'no FROM'],
    ['FROM a\nINCLUDE b', 2, 'not an instruction'],
    ['FROM a\nRUN x \\\\\n', 2, 'backslash'],
    ['FROM a\nRUN x\n'.repeat(300), 1, 'more than 500'],
  ])('%j is refused by name and line', (text, line, named) => {
    const result = readDockerfile('D', text, { args: {}, target: null });
    expect(result).toMatchObject({ ok: false, error: { code: 'AC_DEVCONTAINER_REFUSED', retry: 'never' } });
    if (result.ok) return;
    expect(result.error.message).toContain(`line ${line} of D`);
    expect(result.error.message).toContain(named);
  });

  it('has, whatever it says, only lines that begin with a word of ours', () => {
    const piece = fc.constantFrom(
      'FROM a',
      'RUN x',
      ' ',
      '\n',
      '\\',
      '\\\n',
      '#',
      'ADD http://x /y',
      '"',
      '\r',
      '$',
      '<<E',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
        const read = readDockerfile('D', `FROM a\n${pieces.join('')}`, { args: {}, target: null });
        if (!read.ok) return;
        const lines = writeDockerfile(read.value, new Map(), {}).split('\n').slice(0, -1);
        for (const line of lines) expect(line).toMatch(/^(FROM|RUN) (?!.*\\$)/s);
      }),
      { numRuns: 2000 },
    );
  });

  it('quotes a value so that it stays one', () => {
    expect(quoted('a b')).toBe('"a b"');
    expect(quoted('$(x) "y" \\')).toBe('"\\$(x) \\"y\\" \\\\"');
  });
});
