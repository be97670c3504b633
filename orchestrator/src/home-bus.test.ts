import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { unwrap } from '@agentcompany/protocol';
import { describe, expect, it } from 'vitest';
import { initHome, instanceId } from './company-home.ts';
import { busOptions, busPlace } from './home-bus.ts';

function homeHere(): ReturnType<typeof initHome> {
  return initHome(mkdtempSync(join(tmpdir(), 'home-bus-')));
}

const config = { max_deliveries: 20, redis_url: 'redis://127.0.0.1:6379', accept_volatile: false } as const;

describe('how the bus of a home is opened', () => {
  it('a store of this machine lies in the home', () => {
    const home = unwrap(homeHere());
    for (const adapter of ['file', 'sqlite'] as const) {
      const options = unwrap(busOptions(home, { ...config, message_queue: adapter }));
      expect(options).toEqual({ adapter, folder: home.busFolder, maxDeliveries: 20 });
    }
  });

  it.each([
    ['redis://host', 'redis://host?namespace=ID'],
    ['rediss://user:p@host:1/2?family=6', 'rediss://user:p@host:1/2?family=6&namespace=ID'],
    ['redis://host/?namespace=mine', 'redis://host/?namespace=mine'],
  ])('two companies never share keys of one server: %s', (redis_url, expected) => {
    const home = unwrap(homeHere());
    const options = unwrap(busOptions(home, { ...config, message_queue: 'redis', redis_url, accept_volatile: true }));
    const url = expected.replace('ID', unwrap(instanceId(home)));
    expect(options).toEqual({ adapter: 'redis', url, maxDeliveries: 20, acceptVolatile: true });
  });

  it('a home without an id is refused before anything is opened', () => {
    const home = unwrap(homeHere());
    rmSync(home.instanceFile);
    const refused = busOptions(home, { ...config, message_queue: 'redis' });
    expect(refused).toMatchObject({ ok: false, error: { code: 'AC_HOME_DAMAGED' } });
  });

  it.each(['hunter2', 'hunter2@', 'hunt/er2', 'hunt?er2'])('no place names the password %s', (password) => {
    const url = `redis+sentinel://user:${password}@one:1,two:2/main?namespace=n`;
    expect(busPlace({ adapter: 'redis', url })).toBe('redis+sentinel://one:1,two:2/main?namespace=n');
  });
});
