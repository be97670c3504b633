import { busAdapters } from '@agentcompany/agent-bus';
import { describe, expect, it } from 'vitest';
import { openSoakPlace } from './soak/soak-place.ts';
import { batchCount, calmBatches, soak } from './soak/soak.ts';

const tasks = 2000;

describe('thousands of tasks while the engine is killed time and again', () => {
  it.each(busAdapters)(
    'S82 S65 end once each on %s, each effect happens once, and nothing grows',
    { timeout: 900_000 },
    async (adapter) => {
      const place = await openSoakPlace(adapter);
      const seed = Number(process.env['SOAK_SEED'] ?? Date.now() % 1_000_000);
      const label = `SOAK_SEED=${seed}`;
      try {
        const report = await soak({ ...place, tasks, seed });
        expect(report.problems, label).toEqual([]);
        expect(report.tasks, label).toBe(tasks);
        expect(report.kills, label).toBeGreaterThan(50);
        expect(report.batches).toHaveLength(batchCount);
        // An engine that lives on, and the client that lived all the while.
        const [first, ...later] = report.batches.slice(-calmBatches);
        for (const side of ['engine', 'client'] as const) {
          const descriptors = later.map((batch) => batch[side].descriptors - (first?.[side].descriptors ?? 0));
          expect(Math.max(...descriptors), `${label}: descriptors of the ${side}`).toBeLessThanOrEqual(3);
          const memory =
            ((later.at(-1)![side].memory - (first?.[side].memory ?? 0)) / (tasks * later.length)) * batchCount;
          expect(memory, `${label}: bytes of the ${side} a task`).toBeLessThan(20_000);
        }
        // Runs that ended were compacted: what is left of a task is that its ids are remembered for a while.
        const growth = (report.batches.at(-1)!.storeBytes - (first?.storeBytes ?? 0)) / tasks;
        expect(growth, `${label}: bytes of the store a task`).toBeLessThan(adapter === 'redis' ? 100_000 : 5000);
      } finally {
        await place.dispose();
      }
    },
  );
});
