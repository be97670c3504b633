import { readFileSync } from 'node:fs';
import { unwrap } from '@agentcompany/protocol';
import { describe, expect, it, onTestFinished } from 'vitest';
import { instanceId } from '../orchestrator/src/company-home.ts';
import { engineLogFile } from '../orchestrator/src/engine/file-log.ts';
import { hostToken } from '../orchestrator/src/host-token.ts';
import { openTestCompany, planOf, type TestCompany } from './support/open-test-company.ts';

/** A company on this machine whose work is done by worker hosts: it needs no container engine. */
async function openServing(api: Readonly<Record<string, unknown>> = {}): Promise<TestCompany> {
  const test = await openTestCompany({ flags: { local_workers: false, api: { port: 0, ...api } } });
  onTestFinished(() => test.dispose());
  return test;
}

describe('an engine that serves worker hosts', () => {
  it('lets in who has the token of its home, as long as it is at work', async () => {
    const test = await openServing();
    const stop = new AbortController();
    const { promise: served, resolve } = Promise.withResolvers<string>();
    const driving = test.company.drive({ signal: stop.signal, serve: true, onServing: resolve });
    const address = await served;
    expect((await fetch(`${address}/v1/company`)).status).toBe(401);
    const headers = { authorization: `Bearer ${unwrap(hostToken(test.home))}` };
    const terms = await (await fetch(`${address}/v1/company`, { headers })).json();
    expect(terms).toMatchObject({ instance_id: unwrap(instanceId(test.home)), lease_ms: 60_000, max_deliveries: 20 });
    stop.abort();
    unwrap(await driving);
    await expect(fetch(`${address}/v1/company`)).rejects.toThrow();
  });

  it('keeps nobody from a run of his own when the port is taken, and an engine that is to serve', async () => {
    const stop = new AbortController();
    const first = await openServing();
    const { promise: served, resolve } = Promise.withResolvers<string>();
    const serving = first.company.drive({ signal: stop.signal, serve: true, onServing: resolve });
    const second = await openServing({ port: Number(new URL(await served).port) });
    const plan = planOf([{ id: 'one', run: { command: 'true' } }]);
    const { runId } = unwrap(await second.company.submit({ projectId: 'app', instruction: 'Do it', plan }));
    const refused = await second.company.drive({ signal: stop.signal, serve: true });
    expect(refused).toMatchObject({ ok: false, error: { code: 'AC_API_LISTEN' } });
    const driving = second.company.drive({ runs: [runId], signal: stop.signal, serve: true });
    const log = (): string => readFileSync(engineLogFile(second.home), 'utf8');
    await expect.poll(log).toContain('hosts-not-served');
    stop.abort();
    unwrap(await driving);
    unwrap(await serving);
  });

  it('opens nothing where nobody asked for it and the bus is of this machine', async () => {
    const test = await openServing();
    const stop = new AbortController();
    stop.abort();
    const addresses: string[] = [];
    unwrap(await test.company.drive({ signal: stop.signal, onServing: (address) => addresses.push(address) }));
    expect(addresses).toStrictEqual([]);
  });

  it('does not start without the certificate it was told of', async () => {
    const test = await openServing({ certificate_file: '/nowhere/certificate.pem', key_file: '/nowhere/key.pem' });
    const driven = await test.company.drive({ signal: AbortSignal.timeout(60_000), serve: true });
    expect(driven).toMatchObject({ ok: false, error: { code: 'AC_API_CERTIFICATE' } });
  });
});
