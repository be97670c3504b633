import { unwrap } from '@agentcompany/protocol';
import { describe, expect, it, onTestFinished } from 'vitest';
import { instanceId } from '../orchestrator/src/company-home.ts';
import { hostToken } from '../orchestrator/src/host-token.ts';
import { openTestCompany, type TestCompany } from './support/open-test-company.ts';

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
