import { describe, expect, it } from 'vitest';
import { extentProblem, maximumValues } from './json-extent.ts';

const problemOf = (text: string): string | null => extentProblem(Buffer.from(text));
const numbers = (count: number): string => `[${Array.from({ length: count }, () => '0').join(',')}]`;

describe('the extent of a JSON text', () => {
  it('S47 is bounded in values, whether they lie in one list, in many, or beside each other', () => {
    const most = maximumValues - 1;
    expect(problemOf(numbers(most))).toBeNull();
    for (const text of [
      numbers(most + 1),
      `{"a":${numbers(most / 2)},"b":${numbers(most / 2)}}`,
      `[${'[],'.repeat(most / 2)}[]]`,
      `{${Array.from({ length: most + 1 }, (_, index) => `"${index}":0`).join(',')}}`,
    ])
      expect(problemOf(text)).toBe('it has too many parts');
  });

  it('S47 is bounded in levels, and what stands in a text counts for nothing', () => {
    expect(problemOf('['.repeat(100) + ']'.repeat(100))).toBeNull();
    expect(problemOf('['.repeat(101))).toBe('it is nested too deeply');
    expect(problemOf('{"a":['.repeat(51))).toBe('it is nested too deeply');
    expect(problemOf('[[],'.repeat(90) + '0' + ']'.repeat(90))).toBeNull();
    expect(problemOf(JSON.stringify({ text: `\\"${',[{'.repeat(maximumValues)}` }))).toBeNull();
  });
});
