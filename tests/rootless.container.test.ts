import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { unwrap } from '@agentcompany/protocol';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { initHome, instanceId, type CompanyHome } from '../orchestrator/src/company-home.ts';
import { loadConfig } from '../orchestrator/src/config.ts';
import { checkEngineLimits } from '../orchestrator/src/containers/confinement.ts';
import { hasRootlessPodman, RootlessEngine } from '../orchestrator/src/containers/testing/rootless-engine.ts';
import { workerRuntime } from '../orchestrator/src/containers/testing/worker-runtime.ts';
import { runChecks } from '../orchestrator/src/doctor.ts';
import { chainChecks } from '../orchestrator/src/open-checks.ts';
import { openCompany } from '../orchestrator/src/open-company.ts';
import { addProject } from '../orchestrator/src/projects.ts';
import { runCli, type CliResult } from '../tools/cli/src/testing/run-cli.ts';
import { createRepository, git, installation as checkout } from './support/open-test-company.ts';

const plan = `title: Two notes and what they say together
tasks:
  - id: one
    title: Write the first note
    run: { command: echo one > one.txt }
    verify: [test -f one.txt]
  - id: two
    title: Write the second note
    run: { command: echo two > two.txt }
  - id: both
    title: Join the notes
    depends_on: [one, two]
    run: { command: cat one.txt two.txt > both.txt }
verify: [test "$(cat both.txt)" = "$(cat one.txt two.txt)"]
`;

describe.skipIf(!hasRootlessPodman)('the whole product on rootless Podman', { timeout: 180_000 }, () => {
  let podman: RootlessEngine;
  let installation: string;
  let enforcesLimits: boolean;
  let folder: string;
  let home: CompanyHome;
  let repository: string;

  beforeAll(async () => {
    podman = await RootlessEngine.podman();
    enforcesLimits = checkEngineLimits(unwrap(await podman.engine.info())).ok;
    installation = await install(await podman.loadWorkerImage());
  });
  afterAll(async () => {
    await podman.close();
    rmSync(installation, { recursive: true, force: true });
  });
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'agentcompany-rootless-'));
    // The engine is another user's, and mounts from here.
    chmodSync(folder, 0o711);
    repository = createRepository(join(folder, 'app.git'), { 'README.md': '# App\n' });
    home = unwrap(initHome(join(folder, 'home')));
    unwrap(addProject(home, { id: 'app', path: repository, cwd: folder }));
    writeFileSync(join(folder, 'plan.yaml'), plan);
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  /** An installation whose set-up was made for this engine. */
  async function install(id: string): Promise<string> {
    const root = mkdtempSync(join(tmpdir(), 'agentcompany-installation-'));
    chmodSync(root, 0o755);
    for (const part of ['.cache', 'worker-image']) mkdirSync(join(root, part));
    symlinkSync(join(checkout, 'agents'), join(root, 'agents'));
    symlinkSync(await workerRuntime(), join(root, 'worker-image', 'dist'));
    writeFileSync(join(root, '.cache', 'worker-image-rootless.json'), JSON.stringify({ id }));
    return root;
  }

  const environment = (accept: boolean): Record<string, string> => ({
    CONTAINER_HOST: `unix://${podman.socket}`,
    AGENTCOMPANY_CONTAINER_RUNTIME: 'rootless',
    ...(accept ? { AGENTCOMPANY_ACCEPT_NO_LIMITS: 'true' } : {}),
  });

  const cli = (words: readonly string[], accept = !enforcesLimits): Promise<CliResult> =>
    runCli(words, {
      home,
      environment: environment(accept),
      openCompany: (of, options) => openCompany(of, { ...options, installation }),
    });

  const owned = async (): Promise<number> => unwrap(await podman.engine.list(unwrap(instanceId(home)))).length;

  it('C18 goes from a plan file to a published pull request, and leaves no container', async () => {
    const ran = await cli([
      'run',
      '--project',
      'app',
      '--plan',
      join(folder, 'plan.yaml'),
      '--json',
      'Write the notes',
    ]);
    expect(ran.exitCode, ran.stderr).toBe(0);
    const [branch = '', ...others] = git(
      repository,
      'for-each-ref',
      '--format=%(refname:short)',
      'refs/heads/agent',
    ).split('\n');
    expect(others).toEqual([]);
    expect(git(repository, 'show', `${branch}:both.txt`)).toBe('one\ntwo');
    const requests = await cli(['pr', 'list', '--json']);
    expect(requests.stdout).toContain(branch);
    expect(await owned()).toBe(0);
  });

  it('S12 starts no worker where limits cannot be enforced, unless that is accepted; doctor says which it is', async () => {
    const { config } = unwrap(loadConfig({ home, environment: environment(!enforcesLimits) }));
    const checks = chainChecks({ home, config, environment: environment(!enforcesLimits), installation });
    const containers = checks.filter(({ id }) => /^(engine|image|worker)/.test(id));
    const reports = await runChecks(containers, () => undefined);
    expect(reports.filter(({ ok }) => !ok)).toEqual([]);
    expect(reports[0]?.detail).toMatch(
      enforcesLimits
        ? /^Podman \S+ without root, runc, cgroup 2, limits enforced/
        : /^Podman \S+ without root, runc, cgroup 1, NO LIMITS on memory, processes, CPU \(accepted\)/,
    );
    if (enforcesLimits) return;
    const refused = await cli(['run', '--project', 'app', '--plan', join(folder, 'plan.yaml'), '--json', 'x'], false);
    expect(refused.exitCode).not.toBe(0);
    expect(refused.stderr).toContain('AC_ENGINE_NO_LIMITS');
    expect(await owned()).toBe(0);
    expect(git(repository, 'for-each-ref', '--format=%(refname)', 'refs/heads')).toBe('refs/heads/main');
  });
});
