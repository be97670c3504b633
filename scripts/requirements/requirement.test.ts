import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { misplacedMutations } from './mutate.ts';
import { readRequirements } from './requirement.ts';

const root = resolve(import.meta.dirname, '../..');

describe('the requirements of this repository', () => {
  it('are all sound, and each break still has its one place in the source', async () => {
    const { requirements, errors } = await readRequirements(root);
    expect(requirements.length).toBeGreaterThan(0);
    const misplaced = await Promise.all(requirements.map((requirement) => misplacedMutations(root, requirement)));
    expect([...errors, ...misplaced.flat()].map(({ message }) => message)).toEqual([]);
  });
});
