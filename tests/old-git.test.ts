import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { unwrap } from '@agentcompany/protocol';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { basicChecks, runChecks } from '../orchestrator/src/doctor.ts';
import { openTestCompany, planOf, type TestCompany } from './support/open-test-company.ts';

describe('a machine whose git has known holes', () => {
  let test: TestCompany;
  let programs: string;
  beforeEach(async () => {
    test = await openTestCompany();
    programs = mkdtempSync(join(tmpdir(), 'agentcompany-programs-'));
    vi.stubEnv('PATH', `${programs}:${process.env['PATH']}`);
  });
  afterEach(async () => {
    vi.unstubAllEnvs();
    await test.dispose();
    rmSync(programs, { recursive: true, force: true });
  });

  function install(version: string): void {
    for (const [name, says] of [
      ['git', `git version ${version}`],
      ['dpkg-query', `1:${version}-0+deb12u2`],
      ['rpm', ''],
    ] as const) {
      writeFileSync(join(programs, name), `#!/bin/sh\necho '${says}'\n`);
      chmodSync(join(programs, name), 0o755);
    }
  }

  const checkedGit = async () =>
    (await runChecks(basicChecks(test.home), () => undefined)).find(({ id }) => id === 'git');

  async function start() {
    const plan = planOf([{ id: 'one', run: { command: 'true' } }]);
    const { runId } = unwrap(await test.company.submit({ projectId: 'app', instruction: 'Do it', plan }));
    const warnings: string[] = [];
    const controller = new AbortController();
    const onWarning = (text: string): void => {
      warnings.push(text);
      controller.abort();
    };
    const ended = await test.company.drive({ runs: [runId], signal: controller.signal, onWarning });
    return { ended, warnings };
  }

  it('S33 is told so by doctor, and at the start of the engine', async () => {
    install('2.39.5');
    const words = /git 2\.39\.5 lacks known security fixes .*update/;
    expect(await checkedGit()).toMatchObject({ ok: true, detail: expect.stringMatching(words) });
    expect((await start()).warnings).toEqual([expect.stringMatching(words)]);
  });

  it('S33 is refused where it is too old to work with', async () => {
    install('2.30.2');
    expect(await checkedGit()).toMatchObject({ ok: false, error: { code: 'AC_GIT_TOO_OLD' } });
    expect((await start()).ended).toMatchObject({ error: { code: 'AC_GIT_TOO_OLD' } });
  });
});
