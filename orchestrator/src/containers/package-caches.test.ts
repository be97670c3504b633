import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { unwrap } from '@agentcompany/protocol';
import { describe, expect, it, onTestFinished } from 'vitest';
import { findCaches, type PackageCache } from './package-caches.ts';

/** A home of a user, with a company in it. */
async function place() {
  const userHome = await mkdtemp(join(tmpdir(), 'agentcompany-caches-'));
  onTestFinished(() => rm(userHome, { recursive: true, force: true }));
  const companyHome = join(userHome, 'company');
  for (const folder of ['.ssh', '.npm/_cacache', '.npm/_logs', 'go/pkg/mod/cache/download', 'wheels', 'company/wheels'])
    await mkdir(join(userHome, folder), { recursive: true, mode: 0o755 });
  const find = (kind: PackageCache['kind'], folder: string) =>
    findCaches([{ kind, folder }], { userHome, companyHome });
  const refusalOf = async (kind: PackageCache['kind'], folder: string) => {
    const found = await find(kind, folder);
    return found.ok ? 'shared' : `${found.error.code}: ${found.error.message.replaceAll(userHome, '~')}`;
  };
  return { userHome, find, refusalOf };
}

describe('package caches', () => {
  it('are mounted by the part that holds packages, links followed', async () => {
    const { userHome, find } = await place();
    await symlink(join(userHome, '.npm'), join(userHome, 'link'));
    expect(unwrap(await find('npm', join(userHome, 'link')))).toEqual([
      { folder: join(userHome, '.npm/_cacache'), target: '/caches/npm' },
    ]);
    expect(unwrap(await find('go', join(userHome, 'go/pkg/mod')))).toEqual([
      { folder: join(userHome, 'go/pkg/mod/cache/download'), target: '/caches/go' },
    ]);
    expect(unwrap(await find('pip', join(userHome, 'wheels')))).toEqual([
      { folder: join(userHome, 'wheels'), target: '/caches/pip' },
    ]);
  });

  it('C16 are none of the places that no worker may read, in them or around them, by link or by name', async () => {
    const { userHome, refusalOf } = await place();
    await symlink(join(userHome, '.ssh'), join(userHome, 'keys'));
    expect(await refusalOf('pip', join(userHome, '.ssh'))).toContain(
      'AC_CACHE_REFUSED: the package cache ~/.ssh is not given',
    );
    expect(await refusalOf('pip', join(userHome, 'keys'))).toContain('it lies in ~/.ssh');
    expect(await refusalOf('pip', join(userHome, 'wheels/../.ssh'))).toContain('it lies in ~/.ssh');
    expect(await refusalOf('pip', join(userHome, 'company/wheels'))).toContain('it lies in ~/company');
    expect(await refusalOf('pip', userHome)).toContain('it holds ~');
    expect(await refusalOf('pip', '/')).toContain('it holds /');
    expect(await refusalOf('pip', '/etc/ssl')).toContain('it lies in /etc');
    expect(await refusalOf('pip', '/proc/self')).toContain('it lies in /proc');
    expect(await refusalOf('pip', '/run')).toContain('it lies in /run');
    expect(await refusalOf('pip', '/var')).toContain('it holds /var/lib/docker');
  });

  it('are refused where others could change what is mounted', async () => {
    const { userHome, refusalOf } = await place();
    await chmod(join(userHome, 'wheels'), 0o777);
    expect(await refusalOf('pip', join(userHome, 'wheels'))).toContain('others can change ~/wheels');
    await chmod(join(userHome, '.npm'), 0o775);
    expect(await refusalOf('npm', join(userHome, '.npm'))).toContain('others can change ~/.npm');
  });

  it('are refused where there is none of that kind', async () => {
    const { userHome, refusalOf } = await place();
    await writeFile(join(userHome, 'file'), '');
    expect(await refusalOf('npm', join(userHome, 'wheels'))).toContain('there is no ~/wheels/_cacache');
    expect(await refusalOf('pip', join(userHome, 'file'))).toContain('it is no folder');
    expect(await refusalOf('pip', 'wheels')).toContain('not absolute');
  });
});
