import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import {
  createReadStream,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { unwrap } from '@agentcompany/protocol';
import Docker from 'dockerode';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Company } from '../orchestrator/src/company-facade.ts';
import { loadConfig } from '../orchestrator/src/config.ts';
import type { ContainerEngine } from '../orchestrator/src/containers/container-engine.ts';
import { engineSocket } from '../orchestrator/src/containers/dod/engine-address.ts';
import { openDockerEngine } from '../orchestrator/src/containers/dod/open-engine.ts';
import { workerImage } from '../orchestrator/src/containers/testing/worker-fixture.ts';
import { runChecks } from '../orchestrator/src/doctor.ts';
import { engineLogFile } from '../orchestrator/src/engine/file-log.ts';
import { chainChecks } from '../orchestrator/src/open-checks.ts';
import { homeProofPlace } from '../orchestrator/src/open-proof.ts';
import {
  environmentOfEngine,
  installation,
  openTestCompany,
  planOf,
  type TestCompany,
} from './support/open-test-company.ts';

const dockerHost = environmentOfEngine()['DOCKER_HOST'] ?? null;

describe('before the first task', () => {
  let test: TestCompany | null = null;
  let place = '';
  let engine: ContainerEngine;
  const made: string[] = [];
  beforeEach(() => {
    engine = unwrap(openDockerEngine({ dockerHost }));
    place = mkdtempSync(join(tmpdir(), 'agentcompany-proof-'));
  });
  afterEach(async () => {
    await test?.dispose();
    test = null;
    rmSync(place, { recursive: true, force: true });
    const docker = new Docker({ socketPath: unwrap(engineSocket(dockerHost)) });
    for (const tag of made.splice(0)) await docker.getImage(tag).remove({ force: true });
  });

  /** The worker image with a variable more. */
  async function imageWith(variable: string): Promise<{ readonly reference: string; readonly id: string }> {
    writeFileSync(join(place, 'Dockerfile'), `FROM ${await workerImage(engine)}\nENV ${variable}\n`);
    await promisify(execFile)('tar', ['-cf', join(place, 'context.tar'), '-C', place, 'Dockerfile']);
    const reference = `agentcompany-test-${randomUUID()}:proof`;
    const context = createReadStream(join(place, 'context.tar'));
    made.push(reference);
    const { id } = unwrap(await engine.imageBuild(context, { tag: reference, onLine: () => undefined }));
    return { reference, id };
  }

  /** An installation whose worker image is `image`. */
  function installationWith(image: { readonly reference: string; readonly id: string }): string {
    for (const folder of ['.cache', 'worker-image']) mkdirSync(join(place, folder));
    symlinkSync(join(installation, 'worker-image', 'dist'), join(place, 'worker-image', 'dist'));
    symlinkSync(join(installation, 'agents'), join(place, 'agents'));
    writeFileSync(join(place, '.cache', 'worker-image.json'), JSON.stringify(image));
    return place;
  }

  const submit = async (company: Company, name: string): Promise<string> => {
    const plan = planOf([{ id: name, run: { command: `echo ${name} > ${name}.txt` } }]);
    return unwrap(await company.submit({ projectId: 'app', instruction: `Write ${name}`, plan })).runId;
  };
  const drive = (company: Company, runId: string) =>
    company.drive({ runs: [runId], signal: AbortSignal.timeout(90_000) });

  const proofs = ({ home }: TestCompany): readonly unknown[] => {
    const { recordFile } = homeProofPlace(home);
    return existsSync(recordFile) ? (JSON.parse(readFileSync(recordFile, 'utf8')) as { proofs: unknown[] }).proofs : [];
  };

  it('S1 nobody is shown to get out, once for an engine and its image, and that is remembered', async () => {
    test = await openTestCompany({ unproven: true });
    const { company, home } = test;
    for (const name of ['one', 'two']) {
      const runId = await submit(company, name);
      unwrap(await drive(company, runId));
      expect(unwrap(await company.showRun(runId)).state).toBe('published');
    }
    expect(proofs(test)).toMatchObject([{ identity: expect.stringMatching(/^[0-9a-f]{64}$/), untried: [] }]);
    const told = readFileSync(engineLogFile(home), 'utf8')
      .split('\n')
      .filter((line) => line.includes('runtime-proven'));
    expect(told).toHaveLength(1);
    expect((await readdir(home.mirrorsFolder)).filter((name) => name.startsWith('.'))).toEqual([]);
  });

  it('S1 S15 an image that holds a key is found out: no task begins, and doctor names it with a remedy', async () => {
    const product = installationWith(await imageWith('DEPLOY_TOKEN=none'));
    test = await openTestCompany({ unproven: true, installation: product });
    const { company, home } = test;
    const runId = await submit(company, 'one');
    const refused = await drive(company, runId);
    expect(refused).toMatchObject({ error: { code: 'AC_WORKER_ESCAPED', retry: 'never' } });
    expect(JSON.stringify(refused)).toContain('host.environment (DEPLOY_TOKEN)');
    expect(unwrap(await company.showRun(runId)).task_list.flatMap(({ attempts }) => attempts)).toEqual([]);
    expect(proofs(test)).toEqual([]);

    const environment = environmentOfEngine();
    const { config } = unwrap(loadConfig({ home, environment }));
    const checks = chainChecks({ home, config, environment, installation: product });
    const reports = await runChecks(
      checks.filter(({ id }) => id.startsWith('worker')),
      () => undefined,
    );
    expect(reports.map(({ id, error }) => [id, error?.code ?? null])).toEqual([
      ['worker', null],
      ['worker-network', null],
      ['worker-writes', null],
      ['worker-calls', null],
      ['worker-host', 'AC_WORKER_ESCAPED'],
    ]);
    expect(reports.at(-1)?.error?.remedy).toContain('no work');
    expect(proofs(test)).toEqual([]);
  });

  it('S1 another image, and a record that is damaged, are proven again', async () => {
    const product = installationWith(await imageWith('PURPOSE=another'));
    test = await openTestCompany({ unproven: true, installation: product });
    const { recordFile } = homeProofPlace(test.home);
    const other = { identity: 'f'.repeat(64), proven_at: new Date().toISOString(), untried: [] };
    writeFileSync(recordFile, JSON.stringify({ version: 1, proofs: [other] }));
    unwrap(await drive(test.company, await submit(test.company, 'one')));
    expect(proofs(test)).toMatchObject([other, { untried: [] }]);
    writeFileSync(recordFile, '{"version":1,"proofs":');
    unwrap(await drive(test.company, await submit(test.company, 'two')));
    expect(proofs(test)).toMatchObject([{ untried: [] }]);
  });
});
