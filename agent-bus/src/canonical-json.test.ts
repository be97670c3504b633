import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { canonicalJson } from './canonical-json.ts';

describe('canonical JSON', () => {
  it('orders members by code units at every depth, and arrays not at all', () => {
    expect(canonicalJson({ 'b': [{ z: 1, a: null }, 'x'], 'B': {}, 'a': [], 'é': true, '10': 1, '9': 2 })).toBe(
      '{"10":1,"9":2,"B":{},"a":[],"b":[{"a":null,"z":1},"x"],"é":true}',
    );
  });

  it('has no place for what JSON has none', () => {
    expect(canonicalJson({ a: undefined, b: [undefined, 1] })).toBe('{"b":[null,1]}');
    expect(canonicalJson(JSON.parse('{"b":1,"__proto__":{"c":2}}'))).toBe('{"__proto__":{"c":2},"b":1}');
  });

  it('keeps all content, and tells nothing of the order in which it was given', () => {
    const backwards = (value: unknown): unknown => {
      if (Array.isArray(value)) return value.map(backwards);
      if (typeof value !== 'object' || value === null) return value;
      const members = Object.entries(value).map(([name, member]) => [name, backwards(member)] as const);
      return Object.fromEntries(members.toReversed());
    };
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const text = canonicalJson(value);
        expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)));
        expect(canonicalJson(backwards(value))).toBe(text);
      }),
    );
  });
});
