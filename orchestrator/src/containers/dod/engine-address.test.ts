import { describe, expect, it } from 'vitest';
import { engineSocket } from './engine-address.ts';

describe('the address of the engine', () => {
  it('an address that is no local socket is refused by name', () => {
    expect(engineSocket(null)).toEqual({ ok: true, value: '/var/run/docker.sock' });
    expect(engineSocket('unix:///run/user/1/docker.sock')).toEqual({ ok: true, value: '/run/user/1/docker.sock' });
    for (const address of ['tcp://127.0.0.1:2375', 'ssh://host', 'unix://relative', '/run/docker.sock']) {
      expect(engineSocket(address)).toMatchObject({ error: { code: 'AC_ENGINE_ADDRESS' } });
    }
  });
});
