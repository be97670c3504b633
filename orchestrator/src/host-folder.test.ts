import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { newId, unwrap } from '@agentcompany/protocol';
import { describe, expect, it, onTestFinished } from 'vitest';
import { initHome } from './company-home.ts';
import { takeEngineLock } from './engine/engine-lock.ts';
import { busAt } from './host-bus.ts';
import { openHostFolder } from './host-folder.ts';
import { hostToken, parseToken } from './host-token.ts';
import { runWorkerHost } from './open-worker-host.ts';

function temporary(): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'agentcompany-host-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}

describe('the folder of a worker host', () => {
  it('S17 keeps the name of its host, which no other host has', () => {
    const [one, two] = [path.join(temporary(), 'one'), path.join(temporary(), 'two')];
    const first = unwrap(openHostFolder(one));
    expect(unwrap(openHostFolder(one)).instance).toBe(first.instance);
    expect(unwrap(openHostFolder(two)).instance).not.toBe(first.instance);
    expect(statSync(first.bundlesFolder).mode & 0o777).toBe(0o700);
    expect(statSync(first.mirrorsFolder).mode & 0o777).toBe(0o755);
  });

  it('is refused where it cannot be made or its name is damaged', () => {
    const folder = temporary();
    writeFileSync(path.join(folder, 'file'), '');
    expect(openHostFolder(path.join(folder, 'file', 'host'))).toMatchObject({ error: { code: 'AC_HOST_FOLDER' } });
    const host = path.join(folder, 'host');
    unwrap(openHostFolder(host));
    writeFileSync(path.join(host, 'instance.json'), '{}');
    expect(openHostFolder(host)).toMatchObject({ error: { code: 'AC_HOME_DAMAGED' } });
  });

  it('serves one host at a time', async () => {
    const folder = temporary();
    const lock = unwrap(takeEngineLock(unwrap(openHostFolder(folder)).lockFile));
    onTestFinished(() => lock.release());
    const signal = new AbortController().signal;
    const second = await runWorkerHost({
      folder,
      bus: 'redis://127.0.0.1:1',
      engine: 'http://127.0.0.1:1',
      token: '0'.repeat(64),
      maximumWorkers: 1,
      config: {
        container_runtime: 'dod',
        oci_runtime: 'runc',
        accept_no_limits: false,
        worker_memory_limit: '2g',
        worker_cpus: 2,
      },
      environment: {},
      installation: folder,
      tell: () => undefined,
      drain: signal,
      stop: signal,
    });
    expect(second).toMatchObject({ ok: false, error: { code: 'AC_HOST_RUNNING' } });
    expect(second.ok ? '' : second.error.message).toContain(String(process.pid));
  });
});

describe('the token of worker hosts', () => {
  it('is made once, kept from other users, and told from what is none', () => {
    const home = unwrap(initHome(path.join(temporary(), 'home')));
    const token = unwrap(hostToken(home));
    expect(token).toMatch(/^[0-9a-f]{64}$/u);
    expect(unwrap(hostToken(home))).toBe(token);
    const file = path.join(path.dirname(home.configFile), 'host-token');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(parseToken(readFileSync(file, 'utf8'))).toBe(token);
    writeFileSync(file, 'short');
    expect(hostToken(home)).toMatchObject({ ok: false, error: { code: 'AC_HOME_DAMAGED' } });
    expect(['', 'x', `${token}0`, token.toUpperCase().replace(/\d/gu, 'A')].map(parseToken)).toStrictEqual([
      null,
      null,
      null,
      null,
    ]);
  });
});

describe('the bus a worker host is told of', () => {
  const instance = newId();
  const terms = { version: 1, instance_id: instance, lease_ms: 1, max_deliveries: 7, accept_volatile: false } as const;

  it('is that of its company', () => {
    expect(unwrap(busAt('redis://:secret@bus:6379', terms))).toStrictEqual({
      adapter: 'redis',
      url: `redis://:secret@bus:6379?namespace=${instance}`,
      maxDeliveries: 7,
      acceptVolatile: false,
    });
    expect(unwrap(busAt('redis://bus?namespace=mine', terms))).toMatchObject({ url: 'redis://bus?namespace=mine' });
    expect(unwrap(busAt('sqlite:/var/bus', terms))).toMatchObject({ adapter: 'sqlite', folder: '/var/bus' });
  });

  it.each(['', 'bus', 'sqlite:relative', 'http://bus', 'amqp://user:secret@bus'])('is not %s', (place) => {
    const refused = busAt(place, terms);
    expect(refused).toMatchObject({ ok: false, error: { code: 'AC_HOST_BUS' } });
    expect(JSON.stringify(refused)).not.toContain('secret');
  });
});
