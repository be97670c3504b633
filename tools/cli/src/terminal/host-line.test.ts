import { describe, expect, it } from 'vitest';
import { hostLine } from './host-line.ts';

const time = new Date(2026, 10, 20, 7, 8, 9);

describe('a line of a worker host', () => {
  it('says what happened, and when', () => {
    const begun = { slot: 'worker-001', task: 'docs', title: 'Write docs', run: '0198c5f2-aaaa', attempt: 'x' };
    expect(hostLine(time, 'attempt-started', begun)).toBe(
      '07:08:09 worker-001 begins task docs (Write docs) of run 0198c5f2',
    );
    const error = { code: 'AC_WORK_FAILED', message: 'it failed' };
    expect(hostLine(time, 'attempt-ended', { task: 'docs' })).toBe('07:08:09 task docs is handed over');
    expect(hostLine(time, 'attempt-ended', { task: 'docs', error })).toBe(
      '07:08:09 task docs failed: AC_WORK_FAILED: it failed',
    );
    expect(hostLine(time, 'lease-lost', { error: 'no answer in time' })).toBe(
      '07:08:09 lost a lease: no answer in time',
    );
  });

  it('names what it has no words for, and lets nothing of a task reach the terminal', () => {
    expect(hostLine(time, 'something-new', {})).toBe('07:08:09 something-new');
    expect(hostLine(time, 'attempt-ended', { task: '\u001b[2Ja\nb' })).toBe('07:08:09 task a b is handed over');
  });
});
