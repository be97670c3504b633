import { describe, expect, it } from 'vitest';
import { measure, median } from './measure.ts';
import { NotMeasured, type Measurement, type Run, type Side } from './measurement.ts';

const side = (name: string): Side => ({ row: 'P0', name, durability: null, target: null });

/** A measurement whose sides note their turn and give these figures, the first in the round that is thrown away. */
function planned(figures: Readonly<Record<'floor' | 'first' | 'second', readonly number[]>>) {
  const turns: string[] = [];
  let isClosed = false;
  const run = (name: keyof typeof figures): Run => {
    const left = figures[name].values();
    return async () => {
      turns.push(name);
      return left.next().value ?? NaN;
    };
  };
  const measurement: Measurement = {
    unit: '/s',
    floor: { name: 'floor', durability: null },
    sides: [side('first'), side('second')],
    rounds: 3,
    prepare: async () => ({
      floor: run('floor'),
      sides: [run('first'), run('second')],
      notes: async () => ['a note'],
      close: async () => {
        isClosed = true;
      },
    }),
  };
  return { measurement, turns, isClosed: () => isClosed };
}

describe('a median', () => {
  it('is the middle value, or the mean of the two in the middle', () => {
    expect(median([9, 1, 5])).toBe(5);
    expect(median([1, 2, 4, 10])).toBe(3);
    expect(() => median([])).toThrow('nothing');
  });
});

describe('a measurement', () => {
  it('gives every side the ratio of its median to that of the floor, without the first round', async () => {
    const plan = planned({ floor: [1, 100, 400, 200], first: [9, 50, 300, 140], second: [9, 400, 200, 600] });
    const { outcomes, notes } = await measure(plan.measurement, 3);
    expect(outcomes.map(({ ratio, floorFigure, rounds }) => [ratio, floorFigure, rounds])).toEqual([
      [0.7, 200, 3],
      [2, 200, 3],
    ]);
    expect(outcomes.map(({ spread }) => spread)).toEqual([
      [0.5, 0.75],
      [0.5, 4],
    ]);
    expect(notes).toEqual(['a note']);
    expect(plan.isClosed()).toBe(true);
  });

  it('takes its sides in turns, every other round from the last to the first', async () => {
    const plan = planned({ floor: [1, 1, 1], first: [1, 1, 1], second: [1, 1, 1] });
    await measure(plan.measurement, 2);
    expect(plan.turns.join(' ')).toBe('floor first second second first floor floor first second');
  });

  it('is taken down when a side fails', async () => {
    const plan = planned({ floor: [1], first: [1], second: [1] });
    const prepare = async () => ({
      ...(await plan.measurement.prepare()),
      floor: () => Promise.reject(new Error('lost a message')),
    });
    await expect(measure({ ...plan.measurement, prepare }, 1)).rejects.toThrow('lost a message');
    expect(plan.isClosed()).toBe(true);
  });

  it('that cannot be made here is named with its reason, never left out; any other failure is one', async () => {
    const { measurement } = planned({ floor: [], first: [], second: [] });
    const failing = (problem: Error): Measurement => ({ ...measurement, prepare: () => Promise.reject(problem) });
    expect(await measure(failing(new NotMeasured('no engine')), 3)).toEqual({
      outcomes: [],
      notes: ['not measured: P0 (first), P0 (second): no engine'],
    });
    await expect(measure(failing(new Error('a fault')), 3)).rejects.toThrow('a fault');
  });
});
