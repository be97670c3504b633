import { chmodSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { unwrap } from '@agentcompany/protocol';
import { describe, expect, it } from 'vitest';
import { initHome } from './company-home.ts';
import { basicChecks, checkNode, runChecks } from './doctor.ts';
import { checkGitVersion, isAtLeast } from './git-version.ts';

describe('doctor', () => {
  it('finds a fresh home in order, and leaves nothing behind', async () => {
    const home = unwrap(initHome(mkdtempSync(path.join(tmpdir(), 'doctor-'))));
    const before = readdirSync(path.dirname(home.configFile));
    const seen: string[] = [];
    const reports = await runChecks(basicChecks(home), (report) => seen.push(report.id));
    expect(reports.map(({ ok, error }) => [ok, error])).toEqual(reports.map(() => [true, null]));
    expect(seen).toEqual(['node', 'git', 'home', 'projects']);
    expect(readdirSync(path.dirname(home.configFile))).toEqual(before);
  });

  it('goes on after a failure and gives its remedy', async () => {
    const home = unwrap(initHome(mkdtempSync(path.join(tmpdir(), 'doctor-'))));
    rmSync(home.instanceFile);
    const damaged = await runChecks(basicChecks(home), () => undefined);
    expect(damaged.filter((report) => !report.ok).map((report) => report.error?.code)).toEqual(['AC_HOME_DAMAGED']);
    chmodSync(path.dirname(home.configFile), 0o777);
    const unsafe = await runChecks(basicChecks(home), () => undefined);
    expect(unsafe.map((report) => report.error?.code ?? null)).toEqual([null, null, 'AC_HOME_UNSAFE', null]);
  });

  it('compares versions by number', () => {
    expect([
      isAtLeast('24.12.0', '24.12.0'),
      isAtLeast('24.9.9', '24.12.0'),
      isAtLeast('25.0.0', '24.12.0'),
      isAtLeast('2.38', '2.38.0'),
    ]).toEqual([true, false, true, true]);
    expect(checkNode('22.1.0')).toMatchObject({ ok: false, error: { code: 'AC_NODE_UNSUPPORTED' } });
    expect(checkGitVersion('git version 2.39.5 (Apple Git-154)\n')).toEqual({ ok: true, value: '2.39.5' });
    expect(checkGitVersion('git version 2.30.2\n')).toMatchObject({ ok: false, error: { code: 'AC_GIT_TOO_OLD' } });
    expect(checkGitVersion('nonsense')).toMatchObject({ ok: false, error: { code: 'AC_GIT_ABSENT' } });
  });
});
