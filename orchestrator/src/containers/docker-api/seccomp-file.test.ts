import { chmod, mkdir, mkdtemp, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { unwrap } from '@agentcompany/protocol';
import { describe, expect, it, onTestFinished } from 'vitest';
import { seccompProfile } from '../seccomp-profile.ts';
import { placeSeccompFile, seccompFile } from './seccomp-file.ts';

async function temporary(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'ac-seccomp-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  return folder;
}

describe('the seccomp profile as a file', () => {
  it('S6 can be read by every user and changed by none, and is mended where it was', async () => {
    const folder = await temporary();
    const file = seccompFile(folder);
    unwrap(await placeSeccompFile(folder));
    expect(await readFile(file, 'utf8')).toBe(seccompProfile);
    expect((await stat(file)).mode & 0o777).toBe(0o644);
    expect((await stat(dirname(file))).mode & 0o777).toBe(0o711);
    await writeFile(file, '{"defaultAction":"SCMP_ACT_ALLOW"}');
    unwrap(await placeSeccompFile(folder));
    expect(await readFile(file, 'utf8')).toBe(seccompProfile);
  });

  it('S6 is not put where others may change it', async () => {
    const open = await temporary();
    await mkdir(dirname(seccompFile(open)));
    await chmod(dirname(seccompFile(open)), 0o777);
    expect(await placeSeccompFile(open)).toMatchObject({ error: { code: 'AC_ENGINE_PROFILE' } });
    const led = await temporary();
    await mkdir(join(led, 'elsewhere'));
    await symlink(join(led, 'elsewhere'), dirname(seccompFile(led)));
    expect(await placeSeccompFile(led)).toMatchObject({ error: { code: 'AC_ENGINE_PROFILE' } });
    expect(await placeSeccompFile(join(led, 'absent'))).toMatchObject({ error: { code: 'AC_ENGINE_PROFILE' } });
  });
});
