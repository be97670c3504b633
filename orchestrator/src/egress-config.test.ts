import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { unwrap } from '@agentcompany/protocol';
import { describe, expect, it, onTestFinished } from 'vitest';
import { loadConfig } from './config.ts';
import { egressSettingsOf } from './egress-config.ts';

function load(flags: Record<string, unknown>) {
  const busFolder = mkdtempSync(join(tmpdir(), 'agentcompany-egress-config-'));
  onTestFinished(() => rmSync(busFolder, { recursive: true }));
  return loadConfig({ home: { busFolder, configFile: join(busFolder, 'config.json') }, environment: {}, flags });
}

function problemOf(flags: Record<string, unknown>): string {
  const loaded = load(flags);
  return loaded.ok ? 'taken' : `${loaded.error.code} ${loaded.error.message}`;
}

const defaults = {
  ports: [443],
  inspect: true,
  methods: ['GET', 'HEAD'],
  paths: ['/'],
  upload_bytes: null,
  download_bytes: null,
};

describe('egress_allow', () => {
  it('promises a run nothing unless hosts are named', () => {
    expect(egressSettingsOf(unwrap(load({})).config)).toBeNull();
  });

  it('is read in both forms, as names have one spelling', () => {
    const { config, warnings } = unwrap(
      load({
        egress_allow: [
          'Registry.Example.org.',
          '*.files.example.org:8443',
          { host: 'git.example.org', methods: ['GET', 'POST'], paths: ['/group'], upload_bytes: 5 },
        ],
        egress_limits: { upload_bytes: 10 },
      }),
    );
    expect(egressSettingsOf(config)).toEqual({
      allow: [
        { ...defaults, host: 'registry.example.org' },
        { ...defaults, host: '*.files.example.org', ports: [8443] },
        { ...defaults, host: 'git.example.org', methods: ['GET', 'POST'], paths: ['/group'], upload_bytes: 5 },
      ],
      upload_bytes: 10,
      download_bytes: 2 ** 31,
    });
    expect(warnings).toEqual([]);
  });

  it('warns of what nobody sees', () => {
    const { warnings } = unwrap(load({ egress_allow: ['a.example', { host: 'b.example', inspect: false }] }));
    expect(warnings).toEqual([
      'egress_allow opens b.example without inspection: what workers send there is seen by nobody',
    ]);
  });

  it.each([
    '127.0.0.1',
    '0x7f.1',
    '2130706433',
    '[::1]',
    'https://a.example',
    'a.example/path',
    'user@a.example',
    'a.example:0',
    'a.example:99999',
    'a.example:1:2',
    '*',
    '*.org',
    'a.*.example',
    'a..example',
    'a b.example',
    '',
    7,
    { host: '10.0.0.1' },
    { host: 'a.example:8443' },
    { host: 'a.example', ports: [] },
    { host: 'a.example', methods: ['TRACE'] },
    { host: 'a.example', paths: ['group'] },
    { host: 'a.example', paths: ['/a/../b'] },
    { host: 'a.example', paths: ['/a%2fb'] },
    { host: 'a.example', inspect: false, paths: ['/a'] },
    { host: 'a.example', upload_bytes: -1 },
    { host: 'a.example', private: true },
    {},
  ])('C2 does not take %j, and says so by name', (entry) => {
    expect(problemOf({ egress_allow: [entry] })).toMatch(/^AC_CONFIG_INVALID .*egress_allow/);
  });

  it('C2 does not take a host twice, whose entries would say different things', () => {
    expect(problemOf({ egress_allow: ['a.example', { host: 'A.example', methods: ['POST'] }] })).toContain(
      'a.example is named twice',
    );
  });
});

describe('package_caches', () => {
  it.each([
    ['a relative folder', [{ kind: 'npm', folder: 'npm' }]],
    ['a kind there is not', [{ kind: 'gem', folder: '/gems' }]],
    [
      'two of a kind',
      [
        { kind: 'npm', folder: '/a' },
        { kind: 'npm', folder: '/b' },
      ],
    ],
    ['a target of its own', [{ kind: 'npm', folder: '/a', target: '/etc' }]],
  ])('C2 does not take %s', (_, caches) => {
    expect(problemOf({ package_caches: caches })).toMatch(/^AC_CONFIG_INVALID .*package_caches/);
  });
});
