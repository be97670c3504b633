import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isPublicAddress } from './public-address.ts';

describe('an address of the public network', () => {
  it.each([
    ['8.8.8.8'],
    ['1.1.1.1'],
    ['93.184.215.14'],
    ['172.15.0.1'],
    ['100.63.255.255'],
    ['2606:4700::1111'],
    ['2a00:1450:4001:81b::200e'],
  ])('is %s', (address) => expect(isPublicAddress(address)).toBe(true));

  it.each([
    ['loopback', '127.0.0.1', '127.255.255.254', '::1'],
    ['private', '10.0.0.1', '172.16.0.1', '172.31.255.255', '192.168.0.1', 'fc00::1', 'fd00:ec2::254'],
    ['link-local and metadata', '169.254.169.254', '169.254.170.2', 'fe80::1', 'fe80::a9fe:a9fe', 'fe80::1%eth0'],
    ['shared', '100.64.0.1', '100.100.100.200', '100.127.255.255'],
    ['a cloud’s own', '168.63.129.16', '192.0.0.192'],
    ['mapped', '::ffff:127.0.0.1', '::ffff:7f00:1', '::ffff:8.8.8.8', '::127.0.0.1'],
    ['translated', '64:ff9b::7f00:1', '64:ff9b::169.254.169.254', '64:ff9b:1::1'],
    ['tunnelled', '2002:7f00:1::', '2002:a9fe:a9fe::1', '2001:0:4136:e378:8000:63bf:3fff:fdd2'],
    ['multicast and broadcast', '224.0.0.1', '239.255.255.255', '255.255.255.255', 'ff02::1'],
    ['unspecified', '0.0.0.0', '0.1.2.3', '::'],
    [
      'reserved',
      '192.0.2.1',
      '198.18.0.1',
      '198.51.100.1',
      '203.0.113.1',
      '240.0.0.1',
      '2001:db8::1',
      '100::1',
      'fec0::1',
    ],
    [
      'another spelling',
      '0x7f.1',
      '2130706433',
      '017700000001',
      '127.1',
      '0177.0.0.1',
      '010.8.8.8',
      '8.8.8',
      '134744072',
    ],
    ['no address', '', 'localhost', '8.8.8.8 ', '[::1]', '8.8.8.8:80'],
  ])('S45 is none that is %s', (_, ...addresses) => expect(addresses.filter(isPublicAddress)).toEqual([]));

  it('S45 is none of v6 outside 2000::/3, whatever the bits', () => {
    const group = fc.integer({ min: 0, max: 0xffff });
    const address = fc
      .array(group, { minLength: 8, maxLength: 8 })
      .filter(([first = 0]) => first < 0x2000 || first >= 0x4000)
      .map((groups) => groups.map((value) => value.toString(16)).join(':'));
    const property = fc.property(address, (text) => !isPublicAddress(text));
    expect(fc.check(property).failed).toBe(false);
  });
});
