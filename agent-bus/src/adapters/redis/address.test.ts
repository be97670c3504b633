import { describe, expect, it } from 'vitest';
import { unwrap } from '@agentcompany/protocol';
import { parseAddress } from './address.ts';

const read = (url: string) => unwrap(parseAddress(url));

describe('the address of a Redis server', () => {
  it('reads a plain one, with its defaults', () => {
    expect(read('redis://example.org')).toEqual({
      connection: { db: 0, host: 'example.org', port: 6379 },
      namespace: 'main',
      shown: 'example.org:6379',
    });
  });

  it('reads login, port, database and namespace', () => {
    const { connection, namespace, shown } = read('rediss://us%40er:p%3Aw@[::1]:7000/3?namespace=acme');
    expect(connection).toEqual({ db: 3, host: '::1', port: 7000, tls: {}, username: 'us@er', password: 'p:w' });
    expect([namespace, shown]).toEqual(['acme', '::1:7000']);
    expect(read('redis://:secret@h').connection).toEqual({ db: 0, host: 'h', port: 6379, password: 'secret' });
  });

  it('reads sentinels with the name of their master', () => {
    const { connection, shown } = read('redis+sentinel://a:1,b/mymaster/2?tls=true');
    expect(connection).toMatchObject({
      sentinels: [
        { host: 'a', port: 1 },
        { host: 'b', port: 26_379 },
      ],
      name: 'mymaster',
      db: 2,
      tls: {},
      enableTLSForSentinelMode: true,
    });
    expect(shown).toBe('a:1,b:26379/mymaster');
  });

  it('reads a socket file', () => {
    expect(read('redis+unix:///run/my%20redis.sock')).toMatchObject({ connection: { path: '/run/my redis.sock' } });
  });

  it('never shows what was given: it may hold a password', () => {
    const wrong = [
      'http://user:secret@host',
      'redis://user:secret@',
      'redis://user:secret@host:99999',
      'redis://user:%zzsecret@host',
      'redis://user:secret@host/name',
      'redis://user:secret@host?db=secret',
      'redis://user:secret@host?namespace=a secret',
      'redis://user:secret@a,b',
      'redis+sentinel://user:secret@a,b',
      'redis+unix://user:secret@host/path',
      '',
    ];
    for (const url of wrong) {
      const result = parseAddress(url);
      expect(result.ok, url).toBe(false);
      if (result.ok) continue;
      expect(result.error.code).toBe('AC_BUS_URL');
      expect(JSON.stringify(result.error)).not.toMatch(/%zzsecret|user:secret/);
    }
  });
});
