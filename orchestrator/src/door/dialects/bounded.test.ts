import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { bounded } from './bounded.ts';

describe('a bounded schema', () => {
  it('S47 looks at nothing of a value that has more parts than a conversation', () => {
    let seen = 0;
    const counting = z.custom<unknown>(() => {
      seen += 1;
      return true;
    });
    const schema = bounded(z.object({ parts: z.array(counting), more: counting }));
    const half = Array.from({ length: 25_000 }, () => 0);
    expect(schema.safeParse({ parts: half, more: [] }).success).toBe(true);
    expect(seen).toBe(25_001);
    for (const value of [
      { parts: half, more: half },
      { parts: [...half, ...half, 0], more: 0 },
      { parts: [[half], [half]] },
    ])
      expect(schema.safeParse(value).error?.issues).toMatchObject([{ message: 'it has too many parts' }]);
    expect(seen).toBe(25_001);
  });
});
