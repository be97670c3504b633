import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { forgetDeadProcess, isRootOnDebian, packagesToInstall, prepareEngine, removalNotes } from './engine-setup.mjs';

const debian = 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nVERSION_CODENAME=bookworm\nID=debian\n';
const ubuntu = 'NAME="Ubuntu"\nID=ubuntu\nID_LIKE=debian\n';
const mint = 'NAME="Linux Mint"\nID=linuxmint\nID_LIKE="ubuntu debian"\n';
const fedora = 'NAME="Fedora Linux"\nID=fedora\nVARIANT_ID=debian\n';

describe('setting a container engine up', () => {
  it('is done by root on Debian and Ubuntu only', () => {
    for (const release of [debian, ubuntu, mint]) expect(isRootOnDebian(release, 0)).toBe(true);
    expect(isRootOnDebian(fedora, 0)).toBe(false);
    expect(isRootOnDebian(null, 0)).toBe(false);
    expect(isRootOnDebian(debian, 1000)).toBe(false);
    expect(isRootOnDebian(debian, undefined)).toBe(false);
  });

  it('installs what is missing and no more', () => {
    expect(packagesToInstall(() => false)).toEqual(['docker.io', 'mmdebstrap']);
    expect(packagesToInstall((name) => name === 'mmdebstrap')).toEqual(['docker.io']);
    expect(packagesToInstall((name) => name === 'dockerd')).toEqual(['mmdebstrap']);
  });

  it('says how to remove what it installed', () => {
    expect(removalNotes([])).toEqual([]);
    expect(removalNotes(['docker.io', 'mmdebstrap'])).toEqual([
      'Installed: docker.io, mmdebstrap. To remove: apt-get purge docker.io mmdebstrap && apt-get autoremove',
    ]);
  });

  it('forgets a pid file whose process is gone or another program, and keeps that of a living daemon', () => {
    const file = join(mkdtempSync(join(tmpdir(), 'pid-file-')), 'daemon.pid');
    const own = readFileSync('/proc/self/comm', 'utf8').trim();
    writeFileSync(file, `${process.pid}\n`);
    forgetDeadProcess(file, own);
    expect(existsSync(file)).toBe(true);
    forgetDeadProcess(file, `not-${own}`);
    expect(existsSync(file)).toBe(false);
    writeFileSync(file, '4194305');
    forgetDeadProcess(file, own);
    expect(existsSync(file)).toBe(false);
    forgetDeadProcess(file, own);
  });

  it('never installs an engine over one that DOCKER_HOST names', async () => {
    const said: string[] = [];
    const env = { DOCKER_HOST: 'unix:///nonexistent/engine.sock', PATH: '/nonexistent' };
    const preparing = prepareEngine('/nonexistent', {
      env,
      yes: true,
      mayInstall: true,
      lockFd: null,
      say: (line) => said.push(line),
    });
    await expect(preparing).rejects.toMatchObject({
      code: expect.stringMatching(/^AC_ENGINE_(ABSENT|STOPPED)$/),
      exitCode: 4,
    });
    expect(said).toEqual([]);
  });
});
