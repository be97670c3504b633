import { egressSettings, newId, unwrap } from '@agentcompany/protocol';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openedRun } from './company/testing/fixtures.ts';
import { noWayOut, type ConnectAnswer } from './door/attempt-services.ts';
import { ledgerOnDisk } from './engine/testing/ledger-on-disk.ts';
import { rule } from './egress/testing/egress-door.ts';
import { egressService } from './open-egress-service.ts';

const runId = newId();
const settings = egressSettings.parse({ allow: [rule('a.example')], upload_bytes: 1, download_bytes: 1 });

async function opened() {
  const ledger = await ledgerOnDisk();
  onTestFinished(() => ledger.remove());
  const bus = await ledger.open();
  return { bus, open: egressService({ bus, secrets: [{ name: 'KEY', value: 'a-known-secret' }] }) };
}

/** A CONNECT that says how it was refused. */
function asking(): ConnectAnswer & { readonly said: Promise<number> } {
  const { promise: said, resolve } = Promise.withResolvers<number>();
  const gone = new AbortController().signal;
  return { said, gone, accept: () => null, end: () => undefined, refuse: (status) => resolve(status) };
}

describe('the way out of a run', () => {
  it('S5 is none where its settings have none, whatever the configuration says by now', async () => {
    const { open } = await opened();
    expect(await open({ run: openedRun(null), taskId: 'a', attemptId: 'b' })).toBe(noWayOut);
  });

  it('S44 S45 is as its settings have it, and what happens there lies beside the run, by attempt and task', async () => {
    const { bus, open } = await opened();
    const run = { ...openedRun(null, { egress: settings }), id: runId };
    const wayOut = await open({ run, taskId: 'a-task', attemptId: 'an-attempt' });
    expect(wayOut.egress?.certificate).toContain('BEGIN CERTIFICATE');
    for (const [authority, status] of [
      ['127.0.0.1:443', 400],
      ['b.example:443', 403],
      ['a-known-secret.a.example:443', 403],
    ] as const) {
      const asked = asking();
      await wayOut.egress?.connect(authority, asked);
      expect(await asked.said).toBe(status);
    }
    await wayOut.close();
    expect(unwrap(await bus.readStream(runId, { after: 0 }))).toEqual([]);
    const entries = unwrap(await bus.readStream(`${runId}/progress`, { after: 0 }));
    expect(entries.map(({ envelope }) => envelope)).toMatchObject(
      [
        { reason: 'name', host: '127.0.0.1:443' },
        { reason: 'host', host: 'b.example' },
        { reason: 'secret', host: '' },
      ].map((payload) => ({
        envelope_type: 'egress_request',
        sender: 'workers',
        context: { run_id: runId, task_id: 'a-task', attempt_id: 'an-attempt' },
        payload: { ...payload, event: 'refused', attempt_id: 'an-attempt' },
      })),
    );
  });
});
