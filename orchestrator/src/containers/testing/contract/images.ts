import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { unwrap } from '@agentcompany/protocol';
import { assertRefused, type Contract, type EngineTrial } from './support.ts';

const run = promisify(execFile);

/** A tar archive of these files. */
async function archiveOf(trial: EngineTrial, files: Readonly<Record<string, string>>): Promise<string> {
  const name = randomUUID();
  const folder = join(trial.fixture.folder, name);
  await mkdir(folder);
  for (const [file, text] of Object.entries(files)) await writeFile(join(folder, file), text);
  await run('tar', ['-cf', `${folder}.tar`, '-C', folder, '.']);
  return `${folder}.tar`;
}

/** Images and volumes. */
export function imagesContract(contract: Contract): void {
  contract('imports an archive as an image, with the changes that are asked', async (trial) => {
    const { engine, under } = trial;
    const tag = `agentcompany-test-${randomUUID()}:imported`;
    const archive = await archiveOf(trial, { 'file.txt': 'content\n' });
    const changes = ['ENV MADE_BY=import', 'LABEL made.by=import', 'VOLUME /data'];
    const { id } = unwrap(await engine.imageImport(createReadStream(archive), { tag, changes }));
    assert.match(id, /^sha256:[0-9a-f]{64}$/);
    const image = unwrap(await engine.imageInspect(id));
    assert.equal(image.id, id);
    assert.ok(image.environment.includes('MADE_BY=import'), image.environment.join());
    assert.equal(image.labels['made.by'], 'import');
    assert.deepEqual(image.volumes, ['/data']);
    assert.equal(unwrap(await engine.imageInspect(tag)).id, id);
    await under.removeImage(tag);
    assertRefused(await engine.imageInspect(tag), 'AC_IMAGE_UNKNOWN');
  });

  contract('builds an image on one that it has, without a network', async (trial) => {
    const { engine, under, fixture } = trial;
    const tag = `agentcompany-test-${randomUUID()}:built`;
    const context = await archiveOf(trial, {
      'Dockerfile': `FROM ${fixture.image}\nUSER 0:0\nCOPY added.txt /added.txt\nRUN cat /proc/net/dev\nENV MADE_BY=build\nUSER 10001:10001\n`,
      'added.txt': 'added\n',
    });
    const lines: string[] = [];
    const built = await engine.imageBuild(createReadStream(context), { tag, onLine: (line) => lines.push(line) });
    const { id } = unwrap(built);
    assert.ok(unwrap(await engine.imageInspect(id)).environment.includes('MADE_BY=build'));
    const said = lines.join('\n');
    const interfaces = [...said.matchAll(/^\s*(\w+):\s+\d+/gm)].map((found) => found[1]);
    assert.deepEqual(interfaces, ['lo'], said);
    const probe = await trial.fixture.finish(
      fixture.order({ run: { command: 'cat /added.txt' }, allow_empty: true }),
      {
        image: tag,
      },
      { acceptNoLimits: true },
    );
    assert.equal(unwrap(probe.result).report.agent?.output, 'added\n');
    await under.removeImage(tag);
  });

  contract('a build that fails says why', async (trial) => {
    const context = await archiveOf(trial, { Dockerfile: 'FROM agentcompany-none:1\n' });
    const tag = `agentcompany-test-${randomUUID()}:failed`;
    const failed = await trial.engine.imageBuild(createReadStream(context), { tag, onLine: () => undefined });
    assertRefused(failed, 'AC_ENGINE_FAILED');
    assertRefused(await trial.engine.imageInspect(tag), 'AC_IMAGE_UNKNOWN');
  });

  contract('makes and removes volumes, and none that smuggles in a mount option', async ({ engine, fixture }) => {
    const name = `agentcompany-test-${randomUUID()}`;
    const { instance } = fixture;
    const overlay = {
      kind: 'overlay',
      lower: 'agentcompany-test-lower',
      changes: 'agentcompany-test-changes',
    } as const;
    const memory = { kind: 'memory', bytes: 4096 } as const;
    for (const content of [{ kind: 'disk' }, memory, overlay] as const) {
      unwrap(await engine.volumeCreate({ name, instance, content }));
      unwrap(await engine.volumeRemove(name));
    }
    // Refused, never made without its limit.
    const endless = { kind: 'memory', bytes: 0 } as const;
    assertRefused(await engine.volumeCreate({ name, instance, content: endless }), 'AC_ENGINE_FAILED');
    unwrap(await engine.volumeRemove(name));
    const smuggled = { ...overlay, lower: 'lower,upperdir=/etc' };
    assertRefused(await engine.volumeCreate({ name, instance, content: smuggled }), 'AC_ENGINE_FAILED');
  });
}
