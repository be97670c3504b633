import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { unwrap } from '@agentcompany/protocol';
import Docker from 'dockerode';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { engineSocket } from '../orchestrator/src/containers/dod/engine-address.ts';
import { addProject } from '../orchestrator/src/projects.ts';
import { git, installation, openTestCompany, planOf, type TestCompany } from './support/open-test-company.ts';

let test: TestCompany;
const docker = new Docker({ socketPath: unwrap(engineSocket(process.env['DOCKER_HOST'] ?? null)) });
const repository = `agentcompany-test-${randomUUID()}`;
const reference = `${repository}:tools`;
const worker = (JSON.parse(readFileSync(join(installation, '.cache', 'worker-image.json'), 'utf8')) as { id: string })
  .id;

beforeEach(async () => {
  test = await openTestCompany();
  unwrap(addProject(test.home, { id: 'tools', path: test.repository, image: reference, cwd: test.folder }));
});
afterEach(async () => {
  await test.dispose();
  for (const tag of ['tools', 'other'])
    await docker
      .getImage(`${repository}:${tag}`)
      .remove({ force: true })
      .catch(() => undefined);
});

/** An image that says of itself which it is, on top of the worker image, under `tag`. */
async function makeImage(word: string, tag: string): Promise<string> {
  const context = execFileSync('bash', [
    '-c',
    `folder=$(mktemp -d) && printf 'FROM ${worker}\\nUSER 0\\nRUN echo ${word} > /etc/word\\n' > $folder/Dockerfile && tar -C $folder -c Dockerfile && rm -r $folder`,
  ]);
  const options = { t: `${repository}:${tag}`, networkmode: 'none' };
  const { Readable } = await import('node:stream');
  const progress = await docker.buildImage(Readable.from([context]), options);
  await new Promise((resolve) => docker.modem.followProgress(progress, resolve));
  return (await docker.getImage(`${repository}:${tag}`).inspect()).Id;
}

const plan = planOf([
  { id: 'first', run: { command: 'cp /etc/word first.txt' } },
  { id: 'second', run: { command: 'cp /etc/word second.txt' }, depends_on: ['first'] },
]);

async function submit(): Promise<string> {
  const request = { projectId: 'tools', instruction: 'Say which image it is', plan };
  return unwrap(await test.company.submit(request)).runId;
}

/** Drives the run until an entry that `isIt` is on record, or to its end. */
async function driveUntil(runId: string, isIt: (type: string, task?: string) => boolean): Promise<void> {
  const stop = new AbortController();
  const signal = AbortSignal.any([stop.signal, AbortSignal.timeout(60_000)]);
  const driving = test.company.drive({ runs: [runId], signal });
  for await (const { envelope } of test.company.timeline(runId, { after: 0, follow: true, signal }))
    if (isIt(envelope.envelope_type, envelope.context.task_id)) break;
  stop.abort();
  unwrap(await driving);
}

describe('the image of a project', () => {
  it('S14 a tag that moves between two tasks, and an engine that starts anew, do not change what runs', async () => {
    const pinned = await makeImage('pinned', 'tools');
    const runId = await submit();
    await driveUntil(runId, (type) => type === 'merge_complete');
    await docker.getImage(pinned).tag({ repo: repository, tag: 'other' });
    expect(await makeImage('moved', 'tools')).not.toBe(pinned);

    unwrap(await test.company.drive({ runs: [runId], signal: AbortSignal.timeout(60_000) }));
    const run = unwrap(await test.company.showRun(runId));
    expect(run.state).toBe('published');
    const [request] = unwrap(await test.company.listPullRequests('tools'));
    expect(git(test.repository, 'show', `${request?.branch}:second.txt`)).toBe('pinned');
    const images = [];
    for await (const { envelope } of test.company.timeline(runId, {
      after: 0,
      follow: false,
      signal: AbortSignal.timeout(5000),
    }))
      if (envelope.envelope_type === 'attempt_started') images.push(envelope.payload['image']);
    expect(images).toEqual([
      expect.objectContaining({ reference, id: pinned }),
      expect.objectContaining({ id: pinned }),
    ]);
  });

  it('S14 a task whose image is not there waits, says so once, and goes on when it comes; nothing is pulled', async () => {
    const runId = await submit();
    const said: string[] = [];
    const driving = test.company.drive({ runs: [runId], signal: AbortSignal.timeout(60_000) });
    for await (const { envelope } of test.company.timeline(runId, {
      after: 0,
      follow: true,
      signal: AbortSignal.timeout(50_000),
    })) {
      if (envelope.envelope_type === 'run_state' && envelope.payload['to'] === 'published') break;
      const message = String(envelope.payload['message']);
      if (envelope.envelope_type !== 'task_progress' || !message.startsWith('waits: ')) continue;
      said.push(message);
      const [task] = unwrap(await test.company.showRun(runId)).task_list;
      expect(task).toMatchObject({ state: 'assigned' });
      await makeImage('late', 'tools');
    }
    unwrap(await driving);
    expect(said).toEqual([
      expect.stringMatching(/the image agentcompany-test-.*:tools .* is not on this machine.*docker load/),
    ]);
    const run = unwrap(await test.company.showRun(runId));
    expect(run.state).toBe('published');
    expect(run.task_list.map(({ attempts }) => attempts.length)).toEqual([1, 1]);
  });
});
