import { describe, expect, it } from 'vitest';
import { checkEgress } from './check-egress.ts';
import { rule } from './testing/egress-door.ts';
import { startOrigin } from './testing/origin.ts';

const host = 'registry.example.org';
const settings = { upload_bytes: 1, download_bytes: 1 };
const handle = (): void => undefined;

describe('the check of named hosts', () => {
  it('reaches each, asks nothing, and says what it did not try and what is not inspected', async () => {
    const origin = await startOrigin({ hosts: [host, 'files.example.org'], handle });
    const allow = [
      rule(host, { ports: [443, 8443] }),
      rule('files.example.org', { inspect: false }),
      rule('*.example.org'),
    ];
    expect(await checkEgress({ ...settings, allow }, origin.network)).toEqual({
      ok: true,
      value: '2 hosts reached, 1 with *. not tried, 1 NOT INSPECTED',
    });
    expect([origin.connections.length, origin.asked]).toEqual([3, []]);
  });

  it.each([
    ['AC_EGRESS_UNRESOLVED', 'unknown.example.org', undefined],
    ['AC_EGRESS_PRIVATE', host, ['10.0.0.1']],
    ['AC_EGRESS_UNREACHABLE', 'other.example.org', ['93.184.215.14']],
  ])('says %s of a host that workers could not reach', async (code, name, addresses) => {
    const origin = await startOrigin({ hosts: [host], handle, addresses: () => addresses });
    const checked = await checkEgress({ ...settings, allow: [rule(name)] }, origin.network);
    expect(checked).toMatchObject({ ok: false, error: { code } });
  });
});
