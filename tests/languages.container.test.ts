import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { dirname, join } from 'node:path';
import { PassThrough } from 'node:stream';
import { promisify } from 'node:util';
import { unwrap, type EgressFact, type EgressRule } from '@agentcompany/protocol';
import Docker from 'dockerode';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { engineSocket } from '../orchestrator/src/containers/dod/engine-address.ts';
import { findCaches } from '../orchestrator/src/containers/package-caches.ts';
import { WorkerFixture } from '../orchestrator/src/containers/testing/worker-fixture.ts';
import { rule } from '../orchestrator/src/egress/testing/egress-door.ts';
import { startOrigin } from '../orchestrator/src/egress/testing/origin.ts';
import { publishedModule } from './support/go-module.ts';
import { hasMmdebstrap, imageGoProxy, languageImage } from './support/language-image.ts';
import { testFolder } from './support/npm-in-worker.ts';
import { publishedWheel, type PublishedWheel } from './support/python-wheel.ts';
import { outputOf, wayOutLimits, workerWithWayOut, type WorkerWithWayOut } from './support/worker-with-way-out.ts';

let image: string;
beforeAll(async () => {
  image = await languageImage();
}, 600_000);

const closed = 'this host is not in egress_allow; docs/egress.md says how it is opened';
const tooMuch = 'the attempt would get more than it may: download_bytes of egress_limits, or of the host';
const refused = (facts: readonly EgressFact[]): string[] =>
  facts.filter(({ event }) => event === 'refused').map(({ host, reason }) => `${host} ${reason}`);
const answered = (facts: readonly EgressFact[]): string[] =>
  facts
    .filter(({ event }) => event === 'answered')
    .map(({ method, host, path, status }) => `${method} ${host}${path} ${status}`);

/** Where things lie, as with the public index: pages at one host, files at another, which sends on to a third. */
const [pages, files, store] = ['pypi.example.org', 'files.example.org', 'store.example.org'];
const makeEnvironment = 'python3 -m venv $HOME/v';
const pip = '$HOME/v/bin/pip install --retries 1 --require-hashes';

/** Hands out wheels: pages of an index, and the files they lead to. `isMeasured`: it says how long they are. */
function index(wheels: readonly PublishedWheel[], isMeasured: (wheel: PublishedWheel) => boolean) {
  return ({ url, headers: { host } }: IncomingMessage, response: ServerResponse): void => {
    const at = `${host}${url}`;
    for (const wheel of wheels) {
      const below = `/${wheel.sha256}/${wheel.fileName}`;
      if (at === `${pages}/simple/${wheel.name.replace('_', '-')}/`)
        return void response.setHeader('content-type', 'text/html').end(wheel.page(`https://${files}${below}`));
      if (at === `${files}${below}`)
        return void response.writeHead(302, { location: `https://${store}${below}` }).end();
      if (at !== `${store}${below}`) continue;
      if (isMeasured(wheel)) response.setHeader('content-length', wheel.content.length);
      response.write(wheel.content);
      return void response.end();
    }
    return void response.writeHead(404).end();
  };
}

/** A worker whose project pins each wheel in `<name>.txt`. */
async function workerWithIndex(
  wheels: readonly PublishedWheel[],
  allow: readonly EgressRule[],
  isMeasured: (wheel: PublishedWheel) => boolean = () => true,
): Promise<WorkerWithWayOut> {
  const origin = await startOrigin({ hosts: [pages, files, store], handle: index(wheels, isMeasured) });
  const project = wheels.map(({ name, requirement }) => [
    `${name}.txt`,
    `--index-url https://${pages}/simple/\n${requirement}`,
  ]);
  return workerWithWayOut(Object.fromEntries(project), origin, allow, { image });
}

describe.skipIf(!hasMmdebstrap)('pip in a worker with a way out', { timeout: 240_000 }, () => {
  it('S44 installs what is pinned by its digest, over redirects, each request on record', async () => {
    const wheel = publishedWheel('wide_words');
    const allow = [pages, files, store].map((host) => rule(host));
    const { work, facts } = await workerWithIndex([wheel], allow);
    const use = '$HOME/v/bin/python -c "import wide_words; print(wide_words.words)"';
    expect(outputOf(await work(`${makeEnvironment} && ${pip} -r wide_words.txt && ${use}`))).toContain(
      'the words of wide_words',
    );
    expect(answered(facts)).toEqual([
      `GET ${pages}/simple/wide-words/ 200`,
      `GET ${files}/${wheel.sha256}/${wheel.fileName} 302`,
      `GET ${store}/${wheel.sha256}/${wheel.fileName} 200`,
    ]);
    expect(refused(facts)).toEqual([]);
  });

  it('S44 S45 says which host is closed, also where a redirect leads there', async () => {
    const allow = [pages, files].map((host) => rule(host));
    const { work, facts } = await workerWithIndex([publishedWheel('wide_words')], allow);
    const elsewhere = `${pip} --index-url https://other.example.org/simple -r hashes.txt`;
    const commands = [
      makeEnvironment,
      `${pip} -r wide_words.txt`,
      'tail -n 1 wide_words.txt > hashes.txt',
      elsewhere,
      'true',
    ];
    const finished = await work(commands.join('; '));
    const said = outputOf(finished);
    expect(said).toContain(`ERROR: Could not install packages due to an OSError: HTTPSConnectionPool(host='${store}'`);
    expect(said).toContain(`403 agentcompany: ${store}: ${closed}`);
    expect(said).toContain(`403 agentcompany: other.example.org: ${closed}`);
    // A person who follows the worker reads each once, however pip was told to report.
    expect(finished.log.split('\n').filter((line) => line.startsWith('worker: not let out'))).toEqual(
      [store, 'other.example.org'].map((host) => `worker: not let out: ${host}: ${closed}`),
    );
    expect(refused(facts)).toEqual([`${store} host`, 'other.example.org host']);
  });

  it('S44 gets no wheel that is larger than what may come, whether or not that is said before', async () => {
    const [measured, unmeasured] = [publishedWheel('wide_words', 300_000), publishedWheel('long_words', 300_000)];
    const allow = [rule(pages), rule(files), rule(store, { download_bytes: 100_000 })];
    const { work, facts } = await workerWithIndex([measured, unmeasured], allow, (wheel) => wheel === measured);
    const commands = [makeEnvironment, `${pip} -r wide_words.txt`, `${pip} -r long_words.txt`, 'ls $HOME/v/lib/*/*'];
    const said = outputOf(await work(commands.join('; ')));
    expect(said).toContain(`because of HTTP error 403 Client Error: agentcompany: ${store}: ${tooMuch}`);
    expect(said).toContain('Connection broken');
    expect(said).not.toMatch(/^(wide|long)_words/m);
    expect(refused(facts)).toEqual([`${store} download`, `${store} download`]);
    const received = facts.filter(({ host }) => host === store).map(({ received_bytes }) => received_bytes);
    expect(Math.max(...received)).toBeLessThanOrEqual(100_000);
  });
});

describe.skipIf(!hasMmdebstrap)('Go in a worker with a way out', { timeout: 240_000 }, () => {
  it('S44 downloads modules from a proxy, held against go.sum, and says what is closed or too large', async () => {
    const module = publishedModule('example.net/wide/words');
    const [host, small] = [new URL(imageGoProxy).hostname, 'small.example.org'];
    const handle = ({ url = '' }: IncomingMessage, response: ServerResponse): void => {
      const content = module.served[url];
      if (content === undefined) response.writeHead(404).end();
      else response.end(content);
    };
    const origin = await startOrigin({ hosts: [host, small], handle });
    const allow = [rule(host), rule(small, { download_bytes: 200 })];
    const { work, facts } = await workerWithWayOut(module.project, origin, allow, { image });
    const elsewhere = (proxy: string) =>
      `GOPROXY=https://${proxy} GOMODCACHE=/tmp/${proxy} GOFLAGS=-modcacherw go mod download`;
    const commands = [
      `go mod download && go mod verify && cat $(go list -f '{{.Dir}}' ${module.path})/words.go`,
      elsewhere(small),
      elsewhere('other.example.org'),
      'true',
    ];
    const said = outputOf(await work(commands.join('; ')));
    expect(said).toContain('all modules verified\npackage words');
    expect(said).toMatch(new RegExp(`@v/v1.0.0.zip: 403 agentcompany: ${small}: ${tooMuch}`));
    expect(said).toContain(`agentcompany: other.example.org: ${closed}`);
    expect(answered(facts).slice(0, 3)).toEqual(
      ['mod', 'info', 'zip'].map((kind) => `GET ${host}${module.zipPath.replace(/zip$/, kind)} 200`),
    );
    expect(refused(facts)).toEqual([`${small} download`, 'other.example.org host']);
  });
});

/** Runs a command of a person's in the image, with a folder of the machine, as root and without a network. */
async function onThisMachine(folder: string, command: string): Promise<void> {
  const docker = new Docker({ socketPath: unwrap(engineSocket(process.env['DOCKER_HOST'] ?? null)) });
  const said = new PassThrough();
  const words = said.setEncoding('utf8').toArray();
  const [{ StatusCode: status }, container] = (await docker.run(image, ['sh', '-ec', command], said, {
    Tty: true,
    Env: ['HOME=/root'],
    HostConfig: { Binds: [`${folder}:/here`], NetworkMode: 'none' },
  })) as [{ StatusCode: number }, Docker.Container];
  await container.remove();
  said.end();
  expect(status, (await words).join('')).toBe(0);
}

describe.skipIf(!hasMmdebstrap)('package caches of pip and Go', { timeout: 240_000 }, () => {
  it('are filled with the tools, shared read-only, and all that a worker without a way out needs', async () => {
    const wheel = publishedWheel('thin_words');
    const module = publishedModule('example.net/thin/words');
    const folder = await testFolder('caches');
    for (const [path, content] of Object.entries({ ...module.served, [`/${wheel.fileName}`]: wheel.content })) {
      const file = join(folder, 'served', path);
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, content);
    }
    for (const [path, content] of Object.entries(module.project)) await writeFile(join(folder, path), content);
    await writeFile(join(folder, 'requirements.txt'), wheel.requirement);
    await onThisMachine(
      folder,
      `cd /here; GOMODCACHE=/here/go GOPROXY=file:///here/served GOSUMDB=off go mod download
       python3 -m venv /tmp/v; /tmp/v/bin/pip download --no-index --find-links served -r requirements.txt -d wheels`,
    );
    const shared = [
      { kind: 'go', folder: join(folder, 'go') },
      { kind: 'pip', folder: join(folder, 'wheels') },
    ] as const;
    const caches = unwrap(await findCaches(shared, { userHome: '/nonexistent', companyHome: '/nonexistent' }));
    // What a worker cannot change is not for its permissions to say.
    await promisify(execFile)('chmod', ['-R', 'a+rwX', folder]);
    const project = { ...module.project, 'requirements.txt': wheel.requirement };
    const fixture = await WorkerFixture.open(project, { image });
    onTestFinished(() => fixture.close());
    const command = `${makeEnvironment} && ${pip} -r requirements.txt && $HOME/v/bin/python -c "import thin_words; print(thin_words.words)"
      export GOPRIVATE=example.net; go mod download && go mod verify && cat $(go list -f '{{.Dir}}' ${module.path})/words.go
      go list -m example.net/absent@v1.0.0; $HOME/v/bin/pip install absent
      for f in $(find /caches -type f); do echo x >> $f; done; touch /caches/go/x /caches/pip/x; ls /caches`;
    const said = outputOf(
      await fixture.finish(
        fixture.order({ run: { command }, allow_empty: true, command_timeout: 180 }),
        { limits: wayOutLimits, deadlineSeconds: 200 },
        { caches },
      ),
    );
    expect(said).toContain('the words of thin_words');
    expect(said).toContain('all modules verified\npackage words');
    expect(said).toContain('module lookup disabled by GOPROXY=off');
    expect(said).toContain('No matching distribution found for absent');
    const written = said.match(/Read-only file system/g)?.length;
    expect(written).toBeGreaterThan(5);
    expect(said.trim().split('\n').slice(-2)).toEqual(['go', 'pip']);
  });
});
