import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { unwrap } from '@agentcompany/protocol';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { hasFixes, readGitVersion } from './git-version.ts';

describe('the support floor of git', () => {
  it.each([
    ['2.43.7', null, true],
    ['2.43.6', null, false],
    ['2.47.3', null, true],
    ['2.49.0', null, false],
    ['2.50.0', null, false],
    ['2.50.1', null, true],
    ['2.51.0', null, true],
    ['3.0.0', null, true],
    ['2.42.9', null, false],
    ['2.39.5', null, false],
    ['2.39.5', '1:2.39.5-0+deb12u2', false],
    ['2.39.5', '1:2.39.5-0+deb12u3', true],
    ['2.39.5', '1:2.39.5-0+deb12u10', true],
    ['2.39.4', '1:2.39.4-0+deb12u9', false],
    ['2.43.0', '1:2.43.0-1ubuntu7', false],
    ['2.43.0', '1:2.43.0-1ubuntu7.3', true],
    ['2.43.5', '* Tue Jul 15 2025 - 2.43.5-2\n- Fixes: CVE-2025-48384, CVE-2025-48385\n', true],
    ['2.43.5', '* Tue Jul 15 2024 - 2.43.5-1\n- Fixes: CVE-2024-32002\n', false],
  ])('S33 git %s of package %s: has the fixes: %s', (version, packaged, fixed) => {
    expect(hasFixes(version, packaged)).toBe(fixed);
  });
});

describe('the git of a machine', () => {
  let folder: string | null = null;
  afterEach(async () => {
    vi.unstubAllEnvs();
    if (folder !== null) await rm(folder, { recursive: true });
    folder = null;
  });

  async function machineWith(programs: Readonly<Record<string, string>>): Promise<void> {
    folder = await mkdtemp(join(tmpdir(), 'agentcompany-version-'));
    for (const [name, says] of Object.entries(programs)) {
      await writeFile(join(folder, name), `#!/bin/sh\ncat <<'.'\n${says}\n.\n`);
      await chmod(join(folder, name), 0o755);
    }
    vi.stubEnv('PATH', `${folder}:/nonexistent`);
    await writeFile(join(folder, 'cat'), '#!/bin/sh\nwhile read -r line; do echo "$line"; done\n');
    await chmod(join(folder, 'cat'), 0o755);
  }

  it('S33 that lacks the fixes is warned of, by its name', async () => {
    await machineWith({ 'git': 'git version 2.39.5', 'dpkg-query': '1:2.39.5-0+deb12u2' });
    expect(unwrap(await readGitVersion()).warning).toMatch(/^git 2\.39\.5 lacks known security fixes/);
  });

  it('S33 whose distribution has put the fixes in is not', async () => {
    await machineWith({ 'git': 'git version 2.39.5', 'dpkg-query': '1:2.39.5-0+deb12u3' });
    expect(unwrap(await readGitVersion())).toEqual({ version: '2.39.5', warning: null });
    await machineWith({ git: 'git version 2.43.5', rpm: '- Fixes: CVE-2025-48384' });
    expect(unwrap(await readGitVersion()).warning).toBeNull();
  });

  it('S33 that is too old, or is none, is refused', async () => {
    await machineWith({ git: 'git version 2.30.2' });
    expect(await readGitVersion()).toMatchObject({ error: { code: 'AC_GIT_TOO_OLD' } });
    vi.stubEnv('PATH', '/nonexistent');
    expect(await readGitVersion()).toMatchObject({ error: { code: 'AC_GIT_ABSENT' } });
  });
});
