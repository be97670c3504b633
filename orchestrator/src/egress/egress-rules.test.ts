import { describe, expect, it } from 'vitest';
import { allow, canonicalHost, readAuthority } from './egress-rules.ts';
import { rule } from './testing/egress-door.ts';

describe('the target of a connection', () => {
  it.each([
    ['Registry.Example.ORG:443', 'registry.example.org', 443],
    ['ok.example.:8443', 'ok.example', 8443],
    ['xn--bcher-kva.example:443', 'xn--bcher-kva.example', 443],
  ])('S45 is read from %s', (authority, host, port) => expect(readAuthority(authority)).toEqual({ host, port }));

  it.each(
    [
      ['0x7f.1:443', '2130706433:443', '017700000001:443', '127.1:443', '127.0.0.1:443', '0:443', '0x7f000001:443'],
      ['[::1]:443', '[::ffff:127.0.0.1]:443', '[::ffff:7f00:1]:443', '::1:443'],
      [
        'evil.example\\@ok.example:443',
        'user@ok.example:443',
        'user:pass@ok.example:443',
        'ok.example#@evil.example:443',
      ],
      [
        'ok。example:443',
        'ok%2eexample:443',
        'ok.example%00:443',
        'ok .example:443',
        'ok.example\r\nHost: x:443',
        'ö.example:443',
      ],
      [
        'ok.example',
        'ok.example:',
        'ok.example:0',
        'ok.example:65536',
        'ok.example:443:443',
        'ok.example:+443',
        'ok.example:4e2',
      ],
      [
        'ok.example/:443',
        'https://ok.example:443',
        'ok..example:443',
        'ok.example..:443',
        '.ok.example:443',
        ':443',
        '',
        '*.example:443',
      ],
      [`${'a.'.repeat(130)}example:443`, '-ok.example:443', 'xn--:443'],
    ].flat(),
  )('S45 is none in %j', (authority) => expect(readAuthority(authority)).toBeNull());

  it('is opened by the most exact rule that fits its host, on the ports that this names', () => {
    const narrow = rule('a.b.example', { paths: ['/x'] });
    const rules = [rule('*.example'), narrow, rule('*.b.example', { ports: [8443] })];
    expect(allow(rules, { host: 'a.b.example', port: 443 })).toMatchObject({ rule: narrow });
    expect(allow(rules, { host: 'c.b.example', port: 443 })).toMatchObject({ reason: 'port' });
    expect(allow(rules, { host: 'c.b.example', port: 8443 })).toMatchObject({ rule: { host: '*.b.example' } });
    expect(allow(rules, { host: 'x.y.example', port: 443 })).toMatchObject({ rule: { host: '*.example' } });
  });

  it.each(['example', 'badexample', 'b.example.evil.org', 'ab.example2'])('is closed for %s', (host) => {
    expect(allow([rule('*.example'), rule('b.example')], { host, port: 443 })).toMatchObject({ reason: 'host' });
  });

  it('S45 is closed on ports that no rule names', () => {
    for (const port of [22, 80, 25, 8443])
      expect(allow([rule('b.example')], { host: 'b.example', port })).toMatchObject({ reason: 'port' });
  });

  it('has one spelling', () => {
    expect(['A.Example.', 'a.example'].map(canonicalHost)).toEqual(['a.example', 'a.example']);
  });
});
