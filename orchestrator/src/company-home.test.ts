import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { unwrap } from '@agentcompany/protocol';
import { describe, expect, it } from 'vitest';
import { checkHome, homeAt, initHome, instanceId, resolveHome } from './company-home.ts';
import { fuseKind, networkFileSystem } from './file-system-type.ts';

function temporary(): string {
  return mkdtempSync(path.join(tmpdir(), 'home-'));
}

function mode(file: string): number {
  return statSync(file).mode & 0o777;
}

describe('initHome', () => {
  it('makes private folders, and a way to the mirrors for the worker', () => {
    const home = unwrap(initHome(path.join(temporary(), 'new', 'home')));
    const folders = [
      home.busFolder,
      home.runsFolder,
      home.vaultsFolder,
      home.quarantineFolder,
      home.bundlesFolder,
      home.forgeFolder,
      path.dirname(home.configFile),
    ];
    expect(folders.map(mode)).toEqual(folders.map(() => 0o700));
    expect([
      mode(path.dirname(home.mirrorsFolder)),
      mode(home.mirrorsFolder),
      mode(path.join(home.root, 'runtime')),
    ]).toEqual([0o711, 0o755, 0o711]);
    expect(mode(home.configFile)).toBe(0o600);
  });

  it('repeated it keeps the instance, the configuration and the projects', () => {
    const root = temporary();
    const home = unwrap(initHome(root));
    const id = unwrap(instanceId(home));
    writeFileSync(home.configFile, '{"max_workers": 9}');
    expect(unwrap(instanceId(unwrap(initHome(root))))).toBe(id);
    expect(readFileSync(home.configFile, 'utf8')).toBe('{"max_workers": 9}');
  });

  it('completes a home that an interrupted one left behind', () => {
    const root = temporary();
    mkdirSync(path.join(root, 'runtime', 'state'), { recursive: true, mode: 0o700 });
    const home = unwrap(initHome(root));
    expect([home.busFolder, home.instanceFile, home.projectsFile].every((file) => existsSync(file))).toBe(true);
  });

  it('refuses a state folder that others can write', () => {
    const home = unwrap(initHome(temporary()));
    chmodSync(path.dirname(home.configFile), 0o777);
    expect(checkHome(home)).toMatchObject({ ok: false, error: { code: 'AC_HOME_UNSAFE' } });
    expect(initHome(home.root)).toMatchObject({ ok: false, error: { code: 'AC_HOME_UNSAFE' } });
  });

  it('says so where a file stands in the way', () => {
    const file = path.join(temporary(), 'file');
    writeFileSync(file, '');
    expect(initHome(path.join(file, 'home'))).toMatchObject({ ok: false, error: { code: 'AC_HOME_UNWRITABLE' } });
  });

  it('names a damaged instance file', () => {
    const home = unwrap(initHome(temporary()));
    writeFileSync(home.instanceFile, '{"instance_id": "me"}');
    expect(instanceId(home)).toMatchObject({ ok: false, error: { code: 'AC_HOME_DAMAGED' } });
  });
});

describe('resolveHome', () => {
  it('takes the flag, the variable, the nearest parent, the checkout, in this order', () => {
    const [flag, variable, parent, checkout] = [temporary(), temporary(), temporary(), temporary()].map(
      (root) => unwrap(initHome(root)).root,
    );
    const below = path.join(parent ?? '', 'a', 'b');
    mkdirSync(below, { recursive: true });
    const environment = { AGENTCOMPANY_HOME: variable };
    const roots = [
      resolveHome({ flag, environment, cwd: below, checkout }),
      resolveHome({ environment, cwd: below, checkout }),
      resolveHome({ environment: {}, cwd: below, checkout }),
      resolveHome({ environment: { AGENTCOMPANY_HOME: '' }, cwd: temporary(), checkout }),
    ].map((found) => unwrap(found).root);
    expect(roots).toEqual([flag, variable, parent, checkout]);
  });

  it('AC_NO_HOME names init', () => {
    const nowhere = temporary();
    const found = resolveHome({ environment: {}, cwd: nowhere, checkout: temporary() });
    expect(found).toMatchObject({
      ok: false,
      error: { code: 'AC_NO_HOME', remedy: expect.stringContaining('agentcompany init') },
    });
    expect(resolveHome({ flag: 'x', environment: {}, cwd: nowhere })).toMatchObject({
      ok: false,
      error: { message: expect.stringContaining('--home') },
    });
  });

  it('lays the files out as documented', () => {
    expect(homeAt('/c')).toMatchObject({
      lockFile: '/c/runtime/state/lock.db',
      mirrorsFolder: '/c/workspaces/mirrors',
      bundlesFolder: '/c/runtime/state/bundles',
    });
  });
});

describe('network file systems', () => {
  it.each([
    [0x6969, 'nfs'],
    [-11317950, 'cifs'],
    [0x01021997, '9p'],
    [0xef53, null],
    [0x01021994, null],
  ])('%s is %s', (type, name) => {
    expect(networkFileSystem(type, () => '')).toBe(name);
  });

  it('tells a network FUSE from a local one by the mount table', () => {
    const table =
      '29 1 8:1 / / rw - ext4 /dev/a rw\n41 29 0:36 / /mnt/far rw shared:1 - fuse.sshfs host: rw\n42 29 0:37 / /mnt/safe rw - fuse.gocryptfs x rw';
    expect(['/mnt/far/home', '/mnt/safe', '/mnt'].map((folder) => fuseKind(table, folder))).toEqual([
      'sshfs',
      'gocryptfs',
      '',
    ]);
    expect(networkFileSystem(0x65735546, () => 'sshfs')).toBe('sshfs');
    expect(networkFileSystem(0x65735546, () => 'gocryptfs')).toBe(null);
  });
});
