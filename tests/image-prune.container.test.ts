import { randomBytes, randomUUID } from 'node:crypto';
import { cpSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { unwrap } from '@agentcompany/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { instanceId } from '../orchestrator/src/company-home.ts';
import type { RunView } from '../orchestrator/src/company/view.ts';
import { TestImages } from '../orchestrator/src/containers/testing/test-images.ts';
import { WorkerFixture } from '../orchestrator/src/containers/testing/worker-fixture.ts';
import { listImages, pruneImages } from '../orchestrator/src/facade/images/index.ts';
import { madeImages, recordMadeImage } from '../orchestrator/src/made-images.ts';
import { environmentOfEngine, installation, openTestCompany, type TestCompany } from './support/open-test-company.ts';

let test: TestCompany;
let fixture: WorkerFixture;
let images: TestImages;
let folder: string;
const environment = environmentOfEngine();
const config = { container_runtime: 'dod', oci_runtime: 'runc', accept_no_limits: false } as const;

beforeEach(async () => {
  test = await openTestCompany();
  fixture = await WorkerFixture.open();
  images = new TestImages(fixture);
  folder = join(test.folder, 'installation');
  mkdirSync(join(folder, '.cache'), { recursive: true });
  cpSync(join(installation, '.cache', 'worker-image.json'), join(folder, '.cache', 'worker-image.json'));
});
afterEach(async () => {
  await images.remove();
  await fixture.close();
  await test.dispose();
});

/** An image of its own, 2 MB on top of the worker image, called `reference` and nothing else. */
async function imageCalled(reference: string): Promise<string> {
  const made = await images.built('USER 0', `RUN head -c 2000000 /dev/urandom > /${randomUUID()}`);
  const { id } = unwrap(await fixture.engine.imageInspect(made));
  await images.renamed(made, reference);
  return id;
}

const digest = (): string => randomBytes(8).toString('hex');
const isThere = async (reference: string): Promise<boolean> => (await fixture.engine.imageInspect(reference)).ok;

describe('images that nothing needs any more', () => {
  it('S16 are those that this installation made and replaced, and those of ended runs of this home: no others go', async () => {
    const instance = unwrap(instanceId(test.home));
    const [old, foreign] = [`agentcompany-worker:${digest()}`, `agentcompany-worker:${digest()}`];
    const [ended, open, other] = [instance, instance, `${instance}B`].map(
      (owner) => `agentcompany-devcontainer:${owner}.${digest()}`,
    ) as [string, string, string];
    await recordMadeImage(folder, { reference: old, id: await imageCalled(old) });
    const kept = [await imageCalled(foreign), await imageCalled(open), await imageCalled(other)];
    await imageCalled(ended);
    const run = {
      run_id: randomUUID(),
      images: [{ reference: 'devcontainer', id: kept[1] ?? '' }],
    } as unknown as RunView;
    const usage = { home: test.home, openRuns: [run] };
    const options = { installation: folder, environment, config };

    const listed = unwrap(await listImages(options, usage));
    const stateOf = (reference: string): string | undefined =>
      listed.find(({ references }) => references.includes(reference))?.state;
    expect([old, foreign, ended, open, other].map(stateOf)).toEqual([
      'unused',
      'foreign',
      'unused',
      'ready',
      undefined,
    ]);
    const would = unwrap(await pruneImages(options, usage, { dryRun: true }));
    expect(would.images.flatMap(({ references }) => references).toSorted()).toEqual([old, ended].toSorted());
    expect(would.bytes_freed).toBeGreaterThanOrEqual(4_000_000);
    expect(would.bytes_freed).toBeLessThan(4_100_000);
    expect(await Promise.all([old, ended].map(isThere))).toEqual([true, true]);

    const done = unwrap(await pruneImages(options, usage, { dryRun: false }));
    expect([done.bytes_freed, done.images.map(({ error }) => error)]).toEqual([would.bytes_freed, [null, null]]);
    expect(await Promise.all([old, ended, foreign, open, other].map(isThere))).toEqual([
      false,
      false,
      true,
      true,
      true,
    ]);
    expect(await madeImages(folder)).toEqual([]);
    expect(unwrap(await pruneImages(options, usage, { dryRun: false })).images).toEqual([]);
  });

  it('S16 that a container stands on stay, and say so', async () => {
    const reference = `agentcompany-worker:${digest()}`;
    const imageId = await imageCalled(reference);
    await recordMadeImage(folder, { reference, id: imageId });
    const { owner, limits, mirrorFolder } = fixture.job(fixture.order());
    const { id } = unwrap(
      await fixture.engine.create({
        owner,
        imageId,
        mirrorFolder,
        runtimeFolder: null,
        caches: [],
        workspaceVolume: null,
        limits,
      }),
    );
    const pruned = unwrap(await pruneImages({ installation: folder, environment, config }, null, { dryRun: false }));
    expect(pruned).toMatchObject({ bytes_freed: 0, images: [{ error: { code: 'AC_IMAGE_IN_USE' } }] });
    unwrap(await fixture.engine.remove(id));
    expect(await madeImages(folder)).toEqual([{ reference, id: imageId }]);
    expect(JSON.parse(readFileSync(join(folder, '.cache', 'images-made.json'), 'utf8'))).toMatchObject({ version: 1 });
  });
});
