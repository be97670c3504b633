import { unwrap } from '@agentcompany/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WorkerFixture } from './testing/worker-fixture.ts';

describe('a task in a real container', () => {
  let fixture: WorkerFixture;
  beforeAll(async () => {
    fixture = await WorkerFixture.open();
  });
  afterAll(() => fixture.close());

  it('comes back as a bundle with one commit on its base, and the container is gone', async () => {
    const order = fixture.order({ verify: ['grep -q changed changed.txt'] });
    const { result, log, bundleFile, progress, containers } = await fixture.finish(order);
    expect(result.ok, `${JSON.stringify(result)}\n${log}`).toBe(true);
    const { report, bundle } = unwrap(result);
    expect(report).toMatchObject({ outcome: 'done', error: null, agent: { exit_code: 0 }, verify: [{ exit_code: 0 }] });
    expect(bundle?.bytes).toBeGreaterThan(100);
    const heads = await fixture.git('bundle', 'list-heads', bundleFile);
    expect(heads).toBe(`${report.commit} ${order.result_ref}`);
    await fixture.git('-C', fixture.mirror, 'fetch', '--quiet', bundleFile, `${order.result_ref}:refs/test/${order.attempt_id}`);
    expect(await fixture.git('-C', fixture.mirror, 'show', `${report.commit}:changed.txt`)).toBe('changed');
    expect(await fixture.git('-C', fixture.mirror, 'rev-parse', `${report.commit}^`)).toBe(fixture.base);
    expect(progress[0]).toBe('checking out');
    expect(containers).toHaveLength(1);
    expect((await fixture.engine.inspect(containers[0] ?? '')).ok).toBe(false);
  });
});
