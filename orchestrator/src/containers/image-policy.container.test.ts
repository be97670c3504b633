import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { unwrap } from '@agentcompany/protocol';
import Docker from 'dockerode';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { engineSocket } from './dod/engine-address.ts';
import { WorkerFixture } from './testing/worker-fixture.ts';

const run = promisify(execFile);

describe('images of workers', () => {
  let fixture: WorkerFixture;
  const repository = `agentcompany-test-${randomUUID()}`;
  const made: string[] = [];
  beforeAll(async () => {
    fixture = await WorkerFixture.open();
    await run('tar', ['-cf', join(fixture.folder, 'empty.tar'), '-C', fixture.folder, '--files-from', '/dev/null']);
  });
  afterAll(async () => {
    const docker = new Docker({ socketPath: unwrap(engineSocket(process.env['DOCKER_HOST'] ?? null)) });
    for (const tag of made) await docker.getImage(tag).remove({ force: true });
    await fixture.close();
  });

  async function imageWith(...changes: readonly string[]): Promise<string> {
    const tag = `${repository}:${made.length}`;
    unwrap(await fixture.engine.imageImport(createReadStream(join(fixture.folder, 'empty.tar')), { tag, changes }));
    made.push(tag);
    return tag;
  }

  it.each([
    ['VOLUME /data', 'volume /data'],
    ['HEALTHCHECK CMD true', 'HEALTHCHECK'],
    ['ONBUILD RUN true', 'ONBUILD'],
    ['LABEL agentcompany.instance=forged', 'agentcompany.instance'],
    ['LABEL AgentCompany.Attempt=forged', 'AgentCompany.Attempt'],
    ['ENV LD_PRELOAD=/evil.so', 'LD_PRELOAD'],
    ['ENV NODE_OPTIONS=--require=/evil.js', 'NODE_OPTIONS'],
    ['ENV GIT_CONFIG_COUNT=1', 'GIT_CONFIG_COUNT'],
  ])('S13 an image with %s is refused before anything is created', async (change, named) => {
    const { result, containers } = await fixture.finish(fixture.order(), { image: await imageWith(change) });
    expect(result).toMatchObject({ error: { code: 'AC_IMAGE_REFUSED', retry: 'never' } });
    expect(JSON.stringify(result)).toContain(named);
    expect(containers).toEqual([]);
  });

  it('S14 a tag that moves between two tasks does not change what runs', async () => {
    const docker = new Docker({ socketPath: unwrap(engineSocket(process.env['DOCKER_HOST'] ?? null)) });
    const tag = `${repository}:moving`;
    await docker.getImage(fixture.image).tag({ repo: repository, tag: 'moving' });
    const runner = fixture.runner({ defaultImage: tag });
    const first = unwrap(await runner.run(fixture.job(fixture.order())));
    expect(first.report.outcome).toBe('done');
    unwrap(await fixture.engine.imageImport(createReadStream(join(fixture.folder, 'empty.tar')), { tag, changes: [] }));
    made.push(tag);
    const second = unwrap(await runner.run(fixture.job(fixture.order())));
    expect(second.report.outcome).toBe('done');
  });
});
