import { success, type Result } from '@agentcompany/protocol';
import { describe, expect, it } from 'vitest';
import { containerErrors } from './errors.ts';
import { LeftBehind } from './left-behind.ts';
import type { WorkerOwner } from './worker-container.ts';

const owner = (run: string, task: string): WorkerOwner => ({ instance: 'i', run, task, attempt: 'a', epoch: 1 });
const away = containerErrors.AC_ENGINE_STOPPED({ address: '/docker.sock' });

describe('containers that could not be removed', () => {
  function engine() {
    const asked: string[] = [];
    const answer: { next: Result<undefined> } = { next: success() };
    const remove = async (id: string): Promise<Result<undefined>> => {
      asked.push(id);
      return answer.next;
    };
    return { asked, answer, remove };
  }

  it('S78 no container is made for a task while an earlier one of it may live', async () => {
    const fake = engine();
    const left = new LeftBehind(fake);
    fake.answer.next = { ok: false, error: away };
    await left.remove({ id: 'one', dispose: () => fake.remove('one') }, owner('r', 't'));
    expect(await left.clear(owner('r', 't'))).toEqual({ ok: false, error: away });
    fake.answer.next = success();
    expect(await left.clear(owner('r', 't'))).toEqual(success());
    expect(await left.clear(owner('r', 't'))).toEqual(success());
    expect(fake.asked).toEqual(['one', 'one', 'one']);
  });

  it('S78 what waited for work holds up no task, and goes at the end at the latest', async () => {
    const fake = engine();
    const left = new LeftBehind(fake);
    fake.answer.next = { ok: false, error: away };
    await left.remove({ id: 'warm', dispose: () => fake.remove('warm') }, null);
    expect(await left.clear(owner('r', 't'))).toEqual(success());
    fake.answer.next = success();
    await left.clearAll();
    expect(fake.asked).toEqual(['warm', 'warm']);
  });

  it('S78 other tasks do not wait for it', async () => {
    const fake = engine();
    const left = new LeftBehind(fake);
    fake.answer.next = { ok: false, error: away };
    await left.remove({ id: 'one', dispose: () => fake.remove('one') }, owner('r', 't'));
    expect(await left.clear(owner('r', 'other'))).toEqual(success());
    expect(await left.clear(owner('other', 't'))).toEqual(success());
    expect(fake.asked).toEqual(['one']);
  });
});
