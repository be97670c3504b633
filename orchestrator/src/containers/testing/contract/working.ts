import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { access } from 'node:fs/promises';
import { promisify } from 'node:util';
import { unwrap } from '@agentcompany/protocol';
import { testLimits } from '../worker-fixture.ts';
import { assertRefused, type Contract } from './support.ts';

const run = promisify(execFile);

/** A user of neither the host's nor the worker's. */
const strangerUid = 12_345;

/** The whole worker on the engine: its job, its limits, its mirror. */
export function workingContract(contract: Contract): void {
  contract('S1 carries out a whole task and leaves no container', async (trial) => {
    const { fixture, engine } = trial;
    const order = fixture.order({ verify: ['grep -q changed changed.txt'] });
    const finished = await fixture.finish(order);
    const { report, bundle } = unwrap(finished.result);
    assert.deepEqual([report.outcome, report.error, report.verify[0]?.exit_code], ['done', null, 0]);
    assert.ok((bundle?.bytes ?? 0) > 100);
    assert.equal(
      await fixture.git('bundle', 'list-heads', finished.bundleFile),
      `${report.commit} ${order.kind === 'task' ? order.result_ref : ''}`,
    );
    await access(finished.bundleFile);
    assert.equal(finished.containers.length, 1);
    assert.deepEqual(unwrap(await engine.list(fixture.instance)), []);
  });

  contract('S12 holds a worker to its limits, or is refused', async ({ fixture, under }) => {
    if (!under.enforcesLimits) {
      const refused = await fixture.finish(fixture.order(), {}, { acceptNoLimits: false });
      assertRefused(refused.result, 'AC_ENGINE_NO_LIMITS');
      assert.deepEqual(refused.containers, []);
      return;
    }
    const files = 'memory.max memory/memory.limit_in_bytes pids.max pids/pids.max';
    const output = await fixture.probe(`cd /sys/fs/cgroup; cat ${files} 2>/dev/null; true`);
    assert.deepEqual(output.trim().split('\n'), [String(testLimits.memoryBytes), String(testLimits.pids)]);
  });

  contract('S34 reads a mirror that belongs to somebody else', async ({ fixture }) => {
    if (process.getuid?.() === 0) await run('chown', ['-R', String(strangerUid), fixture.mirror]);
    const command = 'stat -c %u /mirror.git; git -C /workspace/repository log -1 --format=%s; touch /mirror.git/x';
    const order = fixture.order({ run: { command }, allow_empty: true });
    const { result } = await fixture.finish(order);
    const output = unwrap(result).report.agent?.output ?? '';
    assert.match(output, /\nbase\n/);
    assert.match(output, /Read-only file system/);
    assert.doesNotMatch(output, /^10001\n/);
  });
}
