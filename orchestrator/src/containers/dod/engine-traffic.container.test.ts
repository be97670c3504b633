import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { unwrap } from '@agentcompany/protocol';
import Docker from 'dockerode';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ContainerEngine } from '../container-engine.ts';
import { testLimits, WorkerFixture } from '../testing/worker-fixture.ts';
import { engineSocket } from './engine-address.ts';
import { openDockerEngine } from './open-engine.ts';

const run = promisify(execFile);

/** Every call the product may make, and nothing else (C18). */
const allowed = [
  /^POST \/containers\/create\?name=agentcompany-[\w.-]+$/,
  /^POST \/containers\/[0-9a-f]{64}\/(start|kill|wait)\??$/,
  /^POST \/containers\/[0-9a-f]{64}\/attach\?stream=1&stdin=1&stdout=1&stderr=1$/,
  /^GET \/containers\/[0-9a-f]{64}\/json\??$/,
  /^DELETE \/containers\/[0-9a-f]{64}\?force=true&v=true$/,
  /^GET \/containers\/json\?all=true&filters=%7B%22label%22%3A%5B%22agentcompany\.instance%3D[0-9a-f-]{36}%22%5D%7D$/,
  /^GET \/images\/[^/?]+\/json\??$/,
  /^POST \/images\/create\?repo=[^&]+&changes=[^&]*&fromSrc=-$/,
  /^POST \/build\?t=[^&]+&rm=true&forcerm=true&networkmode=none(&memory=\d+&memswap=\d+&cpuperiod=\d+&cpuquota=\d+)?$/,
  /^GET \/images\/json\?filters=%7B%22reference%22%3A%5B(%22[\w-]+%22(%2C)?)+%5D%7D$/,
  /^DELETE \/images\/[\w:.-]+\?force=false$/,
  /^POST \/volumes\/create\??$/,
  /^DELETE \/volumes\/[\w-]+\??$/,
  /^GET \/(info|version|_ping)$/,
];

describe('the traffic between the company and its engine', () => {
  let fixture: WorkerFixture;
  let proxy: Server;
  let engine: ContainerEngine;
  let sent = '';
  const real = unwrap(engineSocket(process.env['DOCKER_HOST'] ?? null));
  const tag = `agentcompany-test-${randomUUID()}`;

  beforeAll(async () => {
    fixture = await WorkerFixture.open();
    const path = join(fixture.folder, 'engine.sock');
    proxy = createServer((client) => {
      const upstream = connect(real);
      client.on('data', (chunk) => (sent += chunk.toString('latin1')));
      client.pipe(upstream).pipe(client);
      client.on('error', () => upstream.destroy());
      upstream.on('error', () => client.destroy());
    });
    await new Promise<void>((resolve) => void proxy.listen(path, resolve));
    engine = unwrap(openDockerEngine({ dockerHost: `unix://${path}` }));
  });

  afterAll(async () => {
    const docker = new Docker({ socketPath: real });
    await docker.getImage(`${tag}:imported`).remove({ force: true });
    proxy.close();
    await fixture.close();
  });

  it('C18 is made of the eighteen typed calls and no other path', async () => {
    const finished = await fixture.finish(fixture.order(), {}, { engine });
    expect(unwrap(finished.result).report.outcome).toBe('done');
    unwrap(await engine.ping());
    unwrap(await engine.version());

    const folder = join(fixture.folder, 'context');
    await mkdir(folder);
    await writeFile(join(folder, 'Dockerfile'), `FROM ${fixture.image}\nENV MADE_BY=build\n`);
    await run('tar', ['-cf', join(fixture.folder, 'context.tar'), '-C', folder, '.']);
    const lines: string[] = [];
    const built = await engine.imageBuild(createReadStream(join(fixture.folder, 'context.tar')), {
      tag: `${tag}:built`,
      onLine: (line) => lines.push(line),
      limits: { memoryBytes: 256 * 1_048_576, cpus: 1 },
      signal: AbortSignal.timeout(60_000),
    });
    expect(unwrap(await engine.imageInspect(unwrap(built).id)).environment).toContain('MADE_BY=build');
    expect(lines.join('\n')).toContain('MADE_BY=build');
    const imported = await engine.imageImport(createReadStream(join(fixture.folder, 'context.tar')), {
      tag: `${tag}:imported`,
      changes: ['ENV MADE_BY=import'],
    });
    expect(unwrap(await engine.imageInspect(unwrap(imported).id)).environment).toContain('MADE_BY=import');

    const listed = unwrap(await engine.imageList([tag, 'agentcompany-worker']));
    const ours = listed.filter(({ references }) => references.some((reference) => reference.startsWith(tag)));
    expect(ours.map(({ id }) => id).toSorted()).toEqual([unwrap(built).id, unwrap(imported).id].toSorted());
    expect(await engine.imageRemove(unwrap(built).id)).toMatchObject({ ok: true });
    expect(await engine.imageInspect(`${tag}:built`)).toMatchObject({ error: { code: 'AC_IMAGE_UNKNOWN' } });
    unwrap(await engine.imageRemove(`${tag}:built`));

    const name = `agentcompany-${randomUUID()}`;
    const { instance } = fixture;
    unwrap(await engine.volumeCreate({ name, instance, content: { kind: 'disk' } }));
    unwrap(await engine.volumeRemove(name));
    const smuggled = await engine.volumeCreate({
      name,
      instance,
      content: { kind: 'overlay', lower: '../../../etc', changes: 'changes' },
    });
    expect(smuggled).toMatchObject({ error: { code: 'AC_ENGINE_FAILED' } });

    const { id: imageId } = unwrap(await engine.imageInspect(fixture.image));
    const owner = { instance: fixture.instance, run: 'r', task: 't', attempt: 'a', epoch: 1 };
    const { id } = unwrap(
      await engine.create({
        owner,
        imageId,
        mirrorFolder: fixture.mirror,
        runtimeFolder: null,
        limits: testLimits,
        workspaceVolume: null,
        caches: [],
      }),
    );
    expect(await engine.imageRemove(imageId)).toMatchObject({ error: { code: 'AC_IMAGE_IN_USE' } });
    unwrap(await engine.kill(id));
    expect(unwrap(await engine.list(fixture.instance)).map((container) => container.id)).toEqual([id]);
    expect(unwrap(await engine.wait(id))).toEqual({ exitCode: 0 });
    unwrap(await engine.remove(id));
    unwrap(await engine.remove(id));

    const calls = [...sent.matchAll(/((?:GET|POST|PUT|DELETE|HEAD|PATCH|OPTIONS) \S+) HTTP\/1\.1\r\n/g)].map(
      (match) => match[1] ?? '',
    );
    expect(calls.length).toBe(sent.split(' HTTP/1.1\r\n').length - 1);
    expect(calls.filter((call) => !allowed.some((pattern) => pattern.test(call)))).toEqual([]);
    expect(allowed.filter((pattern) => !calls.some((call) => pattern.test(call)))).toEqual([]);
  });

  it('C18 names what is missing: containers, images, and the engine itself', async () => {
    const absent = 'f'.repeat(64);
    expect(await engine.inspect(absent)).toMatchObject({ error: { code: 'AC_CONTAINER_UNKNOWN' } });
    expect(await engine.start(absent)).toMatchObject({ error: { code: 'AC_CONTAINER_UNKNOWN' } });
    expect(await engine.attach(absent)).toMatchObject({ error: { code: 'AC_CONTAINER_UNKNOWN' } });
    expect(await engine.imageInspect('agentcompany-none:1')).toMatchObject({ error: { code: 'AC_IMAGE_UNKNOWN' } });
    const nowhere = unwrap(openDockerEngine({ dockerHost: `unix://${fixture.folder}/none.sock` }));
    expect((await nowhere.ping()).ok).toBe(false);
    expect(openDockerEngine({ dockerHost: 'tcp://127.0.0.1:2375' })).toMatchObject({
      error: { code: 'AC_ENGINE_ADDRESS' },
    });
  });

  it('S2 S3 asks for the same container whatever a task carries: the bytes differ in labels and name only', async () => {
    const bodies: string[] = [];
    const hostile =
      '","Privileged":true,"HostConfig":{"Privileged":true,"Binds":["/:/host"]},"hostconfig":{"PidMode":"host"},"x":"';
    const plain = fixture.order();
    const carrying = fixture.order({
      title: hostile,
      instructions: JSON.stringify({ Privileged: true, __proto__: { Binds: ['/:/h'] } }),
      run: { command: 'echo changed > changed.txt' },
      feedback: { reason: 'failed', message: hostile, findings: [] },
    });
    const owned = { instance: fixture.instance, run: hostile, task: hostile, attempt: carrying.attempt_id, epoch: 1 };
    for (const [order, job] of [
      [plain, {}],
      [carrying, { owner: owned }],
    ] as const) {
      const before = sent.length;
      unwrap((await fixture.finish(order, job, { engine })).result);
      const found = /POST \/containers\/create[^]*?\r\n\r\n(\{[^]*?\})(?=(GET|POST|DELETE) \/|$)/.exec(
        sent.slice(before),
      )?.[1];
      bodies.push(found ?? '');
    }
    const [first = '', second = ''] = bodies;
    const strip = (body: string): unknown => ({ ...(JSON.parse(body) as object), Labels: null });
    expect(strip(second)).toEqual(strip(first));
    for (const body of bodies) expect(body.match(/(?<!\\)"hostconfig(?!\\)":/gi)).toHaveLength(1);
    expect(second).toContain(String.raw`\"Privileged\":true`);
  });
});
