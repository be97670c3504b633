import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { unwrap } from '@agentcompany/protocol';
import { expect, it, onTestFinished } from 'vitest';
import { OwnDocker } from './own-docker.ts';
import { WorkerFixture } from './worker-fixture.ts';

const run = promisify(execFile);

it('an engine of a test runs a worker, is killed and restarted, and leaves nothing', async () => {
  const docker = await OwnDocker.open({ liveRestore: true });
  onTestFinished(() => docker.close());
  const machine = await WorkerFixture.open();
  onTestFinished(() => machine.close());
  const image = await docker.loadImage(machine.image);
  expect(image).toBe(unwrap(await machine.engine.imageInspect(machine.image)).id);
  const fixture = await WorkerFixture.open(undefined, { engine: docker.engine, image });
  expect(unwrap((await fixture.finish(fixture.order())).result).report.outcome).toBe('done');
  await fixture.close();

  const sleeper = ['run', '--detach', '--network', 'none', image, 'sleep', '600'];
  const id = (await run('docker', ['--host', docker.dockerHost, ...sleeper])).stdout.trim();
  await docker.kill();
  expect((await docker.engine.ping()).ok).toBe(false);
  await docker.start();
  expect(unwrap(await docker.engine.inspect(id)).state.status).toBe('running');
  await docker.restart();
  expect(unwrap(await docker.engine.inspect(id)).state.status).toBe('running');

  await docker.close();
  expect(existsSync(docker.folder)).toBe(false);
  expect(readFileSync('/proc/self/mountinfo', 'utf8')).not.toContain(docker.folder);
  expect((await run('ps', ['-eo', 'args'])).stdout).not.toContain(docker.folder);
});
