import { describe, expect, it } from 'vitest';
import { openEgressDoor, request, rule } from '../testing/egress-door.ts';
import { publicAddress, startOrigin } from '../testing/origin.ts';

const host = 'registry.example.org';

describe('an inspected connection', () => {
  it('S44 lets a GET out, made anew, to the checked address, and puts it on record with its answer', async () => {
    const origin = await startOrigin({ hosts: [host], handle: (_, response) => response.end('the package') });
    const { ask, facts } = await openEgressDoor({ network: origin.network, allow: [rule(host)] });
    const said = await ask(
      `${host}:443`,
      request('GET', '/left-pad?x=1', host, 'User-Agent: npm', 'Cookie: a=b', 'Accept: */*'),
    );
    expect(said).toMatch(/^HTTP\/1.1 200 OK\r\n/);
    expect(said).toContain('the package');
    expect(origin.connections).toEqual([`${publicAddress}:443`]);
    expect(origin.asked).toMatchObject([{ method: 'GET', url: '/left-pad?x=1', host }]);
    expect(Object.keys(origin.asked[0]?.headers ?? {}).toSorted()).toEqual([
      'accept',
      'connection',
      'host',
      'user-agent',
    ]);
    expect(facts).toMatchObject([
      { event: 'opened', host, port: 443, inspected: true },
      { event: 'answered', method: 'GET', path: '/left-pad?x=1', status: 200, received_bytes: 11, reason: null },
    ]);
  });
});
