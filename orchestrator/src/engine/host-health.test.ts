import { failure, success } from '@agentcompany/protocol';
import { beforeEach, describe, expect, it } from 'vitest';
import { errorOf } from '../company/testing/fixtures.ts';
import type { WorkerOutcome } from '../containers/worker-runner.ts';
import { HostHealth, imageSubject, wholeHost, type SetAside } from './host-health.ts';
import { judgeOutcome } from './judge-outcome.ts';

const away = errorOf('AC_ENGINE_STOPPED', 'later');
let now: number;
let told: SetAside[];
let health: HostHealth;
beforeEach(() => {
  now = 1000;
  told = [];
  health = new HostHealth({ onSetAside: (setAside) => told.push(setAside), now: () => now });
});

describe('what fails too often', () => {
  it('C15 is set aside, told once, and lets one try through in each cooldown until one goes well', () => {
    for (let failures = 0; failures < 3; failures += 1) {
      expect(health.pauseMs('x')).toBe(0);
      health.note('x', away);
    }
    expect(health.pauseMs('x')).toBe(30_000);
    now += 29_999;
    expect(health.pauseMs('x')).toBe(1);
    now += 1;
    expect([health.pauseMs('x'), health.pauseMs('x')]).toStrictEqual([0, 30_000]);
    health.note('x', away);
    expect(told).toStrictEqual([{ subject: 'x', score: -5, failures: 3, cooldownMs: 30_000, error: away }]);
    now += 30_000;
    expect(health.pauseMs('x')).toBe(0);
    health.note('x', null);
    expect([health.pauseMs('x'), health.pauseMs('x')]).toStrictEqual([0, 0]);
  });

  it('C15 is judged apart from what it has nothing to do with', () => {
    for (let failures = 0; failures < 3; failures += 1) health.note(imageSubject('bad'), away);
    expect(health.pauseMs(imageSubject('bad'))).toBeGreaterThan(0);
    expect([health.pauseMs(imageSubject('good')), health.pauseMs(wholeHost)]).toStrictEqual([0, 0]);
  });
});

describe('how a container ended', () => {
  const judge = (outcome: Parameters<typeof judgeOutcome>[2], more: Partial<Parameters<typeof judgeOutcome>[1]> = {}) =>
    judgeOutcome(health, { image: 'some', hasBegun: true, isStopping: false, ...more }, outcome);
  const times = (count: number, work: () => unknown): void => void Array.from({ length: count }, work);
  const exited = failure(errorOf('AC_WORKER_EXITED', 'later'));

  it('C15 counts against the image where it ended before its work began, and costs the task nothing', () => {
    times(3, () =>
      expect(judge(exited, { hasBegun: false })).toMatchObject({ ok: false, error: { code: 'AC_HOST_IMAGE' } }),
    );
    expect([health.pauseMs(imageSubject('some')) > 0, health.pauseMs(wholeHost)]).toStrictEqual([true, 0]);
  });

  it('C15 counts against the task alone where it had begun', () => {
    times(5, () => expect(judge(exited)).toBe(exited));
    expect([health.pauseMs(imageSubject('some')), health.pauseMs(wholeHost)]).toStrictEqual([0, 0]);
  });

  it('C15 counts against the host where the engine was away, and against nobody while the host stops or the task is cancelled', () => {
    const cancelled = failure(errorOf('AC_WORKER_CANCELLED', 'never'));
    times(5, () => [judge(failure(away), { isStopping: true }), judge(cancelled, { hasBegun: false })]);
    expect(told).toHaveLength(0);
    times(2, () => judge(failure(away)));
    judge(success({} as WorkerOutcome));
    expect(health.pauseMs(wholeHost)).toBe(0);
    times(4, () => judge(failure(away)));
    expect([health.pauseMs(wholeHost) > 0, health.pauseMs(imageSubject('some'))]).toStrictEqual([true, 0]);
  });
});
