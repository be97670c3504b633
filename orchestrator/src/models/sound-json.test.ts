import { describe, expect, it } from 'vitest';
import { toolCall } from './exchange.ts';
import { jsonProblem, maximumDepth } from './sound-json.ts';

const tools = [{ name: 'look', description: '', parameters: {} }];

/** A value nested so many levels deep. */
function deep(levels: number): unknown {
  let value: unknown = 1;
  for (let level = 0; level < levels; level += 1) value = level % 2 === 0 ? [value] : { a: value };
  return value;
}

describe('a JSON value from outside', () => {
  it('S47 may be nested so deep and no deeper, and is looked at without recursion', () => {
    expect(jsonProblem(deep(maximumDepth))).toBeNull();
    expect(jsonProblem(deep(maximumDepth + 1))).toContain('deeper');
    expect(jsonProblem(deep(100_000))).toContain('deeper');
  });

  it('S47 holds numbers and whole characters, in names too', () => {
    for (const value of [Number.NaN, Infinity, '\ud800', ['\udc00'], { '\ud800': 1 }, { a: ['x', -Infinity] }])
      expect(jsonProblem(value)).not.toBeNull();
    for (const value of ['🙂', { '🙂': [0, -1.5, null, true] }, '']) expect(jsonProblem(value)).toBeNull();
  });

  it('S47 what a model gives a tool is no argument where it is none of these, and goes back to the model', () => {
    const nested = `${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`;
    for (const input of [nested, '{"a":NaN}', '{"a":1e999}', '{"a":"\\ud800"}', '{"a":', { a: Infinity }]) {
      const event = toolCall({ id: '1', name: 'look', input }, tools);
      expect(event).toMatchObject({ call: { input: null, problem: { code: 'AC_MODEL_TOOL_ARGUMENTS' } } });
      expect(JSON.stringify(event).length).toBeLessThan(1000);
    }
    expect(toolCall({ id: '1', name: 'look', input: '{"a":[1]}' }, tools)).toMatchObject({
      call: { input: { a: [1] }, problem: null },
    });
  });
});
