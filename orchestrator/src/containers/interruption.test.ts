import { setTimeout } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { interruption } from './interruption.ts';

describe('the interruption of a job', () => {
  it('comes at its deadline, and when it is cancelled', async () => {
    const ended = new AbortController();
    const never = new AbortController().signal;
    const late = await interruption({ deadlineSeconds: 0.01, signal: never }, ended.signal);
    const cancelled = await interruption({ deadlineSeconds: 60, signal: AbortSignal.abort() }, ended.signal);
    ended.abort();
    expect([late.error.code, cancelled.error.code]).toStrictEqual(['AC_WORKER_DEADLINE', 'AC_WORKER_CANCELLED']);
  });

  it('does not come at once where the time allowed is more than a timer can hold', async () => {
    const ended = new AbortController();
    const job = { deadlineSeconds: 86_400 * 41 + 120, signal: new AbortController().signal };
    const first = await Promise.race([interruption(job, ended.signal), setTimeout(30, 'still at work')]);
    ended.abort();
    expect(first).toBe('still at work');
  });
});
