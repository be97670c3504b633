import { unwrap } from '@agentcompany/protocol';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { WorkersView } from '../orchestrator/src/company-facade.ts';
import { openTestCompany, planOf, type TestCompany } from './support/open-test-company.ts';

/** Says something, works for a while, says something more. */
const plan = planOf([
  { id: 'talk', run: { command: 'echo "begun: it works"; sleep 3; echo "half"; echo x > x.txt; echo ended' } },
]);

async function submitted(flags: Readonly<Record<string, unknown>> = {}): Promise<TestCompany & { runId: string }> {
  const test = await openTestCompany({ flags });
  onTestFinished(() => test.dispose());
  const { runId } = unwrap(await test.company.submit({ projectId: 'app', instruction: 'Talk.', plan }));
  return { ...test, runId };
}

describe('a worker at work', () => {
  it('is listed, and its log is followed live from its beginning to its end', async () => {
    const { company, runId } = await submitted();
    const signal = AbortSignal.timeout(90_000);
    const driven = company.drive({ runs: [runId], signal });
    for await (const { envelope } of company.timeline(runId, { after: 0, follow: true, signal }))
      if (envelope.envelope_type === 'attempt_started') break;
    let log = '';
    let seen: WorkersView | null = null;
    for await (const piece of company.followLog(runId, { taskId: 'talk', signal })) {
      log += unwrap(piece);
      if (seen === null && log.includes('begun: it works')) seen = unwrap(await company.listWorkers());
    }
    // It was heard of while the worker worked, and heard to the end.
    expect(seen).toMatchObject({ set_aside: [], workers: [{ run_id: runId, task_id: 'talk', slot: 'worker-001' }] });
    expect(log.match(/^(begun: it works|half|ended|worker: done)$/gm)).toStrictEqual([
      'begun: it works',
      'half',
      'ended',
      'worker: done',
    ]);
    unwrap(await driven);
    expect(unwrap(await company.listWorkers()).workers).toHaveLength(0);
    expect(log).toBe(unwrap(await company.workerLog(runId, { taskId: 'talk', maxBytes: 1e6 })));
  });

  it('is asked for by an attempt that is none: the failure is all there is', async () => {
    const { company, runId } = await submitted();
    const pieces: unknown[] = [];
    for await (const piece of company.followLog(runId, { attemptId: 'none', signal: AbortSignal.timeout(10_000) }))
      pieces.push(piece);
    expect(pieces).toMatchObject([{ ok: false, error: { code: 'AC_TASK_UNKNOWN' } }]);
  });
});
