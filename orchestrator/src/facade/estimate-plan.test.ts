import { agentDefinition, taskSchema } from '@agentcompany/protocol';
import { describe, expect, it } from 'vitest';
import { planOf, task } from '../company/testing/fixtures.ts';
import { configSchema } from '../config-schema.ts';
import { estimatePlan } from './estimate-plan.ts';

const coder = agentDefinition.parse({ name: 'coder', role: 'worker', max_turns: 3, max_tokens: 1000 });
const config = configSchema.parse({
  model: 'openai:house',
  models: { prices: [{ model: 'house', input: 1, output: 10 }] },
});

function planWith(...models: readonly (string | undefined)[]) {
  const tasks = models.map((model, index) =>
    taskSchema.parse({ id: `t${index}`, title: 'Do it', agent: 'coder', ...(model === undefined ? {} : { model }) }),
  );
  return { ...planOf({ plain: [] }), tasks: [task('plain'), ...tasks] };
}

describe('the estimate of a plan', () => {
  it('prices each task of an agent by its turns, its answers and its model, and no task of a command', async () => {
    const estimate = await estimatePlan({ config }, planWith(undefined), [coder]);
    // Three turns of 1000 tokens that read 3000, 5000 and 7000; and one turn of 600 that reads 3000.
    expect(estimate.tasks).toStrictEqual([
      {
        task_id: 't0',
        agent: 'coder',
        model: 'openai:house',
        typical_usd: expect.closeTo(0.009, 10),
        upper_usd: expect.closeTo(0.045, 10),
      },
    ]);
    expect(estimate).toMatchObject({ typical_usd: expect.closeTo(0.009, 10), unpriced_tasks: 0 });
  });

  it('never calls free what has no price, and keeps it out of the sum', async () => {
    const estimate = await estimatePlan(
      { config },
      planWith(undefined, 'openai:mystery', 'gemini:gemini-of-tomorrow'),
      [coder],
    );
    expect(estimate.tasks.map(({ upper_usd: upper }) => upper)).toStrictEqual([expect.closeTo(0.045, 10), null, null]);
    expect(estimate).toMatchObject({ unpriced_tasks: 2, upper_usd: expect.closeTo(0.045, 10) });
    const without = { config: configSchema.parse({}) };
    expect((await estimatePlan(without, planWith(undefined), [coder])).tasks[0]).toMatchObject({
      model: null,
      upper_usd: null,
    });
  });
});
