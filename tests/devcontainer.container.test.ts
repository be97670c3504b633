import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { unwrap } from '@agentcompany/protocol';
import { afterEach, describe, expect, it } from 'vitest';
import { instanceId } from '../orchestrator/src/company-home.ts';
import { devcontainerRepository } from '../orchestrator/src/containers/devcontainer/build-devcontainer.ts';
import { openDockerEngine } from '../orchestrator/src/containers/dod/open-engine.ts';
import { addProject } from '../orchestrator/src/projects.ts';
import { git, installation, openTestCompany, planOf, type TestCompany } from './support/open-test-company.ts';

const engine = unwrap(openDockerEngine({ dockerHost: process.env['DOCKER_HOST'] ?? null }));
const worker = JSON.parse(readFileSync(join(installation, '.cache', 'worker-image.json'), 'utf8')) as {
  reference: string;
};

let test: TestCompany;
afterEach(async () => {
  for (const tag of await built()) unwrap(await engine.imageRemove(tag));
  await test.dispose();
});

/** Images that this home has built. */
async function built(): Promise<readonly string[]> {
  const instance = unwrap(instanceId(test.home));
  const images = unwrap(await engine.imageList([devcontainerRepository]));
  return images.flatMap(({ references }) => references.filter((tag) => tag.includes(`:${instance}.`)));
}

async function runWith(files: Readonly<Record<string, string>>, devcontainer = true): Promise<string> {
  test = await openTestCompany({ files, flags: { max_workers: 2, max_attempts: 1 } });
  unwrap(addProject(test.home, { id: 'own', path: test.repository, devcontainer, cwd: test.folder }));
  const command = 'tool > $0.txt; echo "$WHERE" >> $0.txt; cat /etc/build >> $0.txt';
  const plan = planOf(['one', 'two'].map((id) => ({ id, run: { command: command.replaceAll('$0', id) } })));
  const { runId } = unwrap(await test.company.submit({ projectId: 'own', instruction: 'Use the tool', plan }));
  unwrap(await test.company.drive({ runs: [runId], signal: AbortSignal.timeout(80_000) }));
  return runId;
}

const description = `{
  // Built from beside the sources.
  "build": { "dockerfile": "Dockerfile", "context": "..", "args": { "WORD": "hello" } },
  "containerEnv": { "WHERE": "in the container" },
  "postCreateCommand": "touch /never",
}`;
const dockerfile = `ARG BASE=${worker.reference}
FROM \${BASE}
USER 0
ARG WORD
COPY tools/tool tools/linked /usr/local/bin/
COPY . /all
RUN chmod 755 /usr/local/bin/tool && echo "$WORD" > /etc/build && ls /all >> /etc/build \\
  # what a build can reach
  && ls /sys/class/net >> /etc/build
`;

describe('a repository that describes its container', () => {
  it('has its tasks done in an image built from the base commit, once, without network and without what .dockerignore leaves out', async () => {
    const runId = await runWith({
      '.devcontainer/devcontainer.json': description,
      '.devcontainer/Dockerfile': dockerfile,
      '.dockerignore': '.devcontainer\n*.md\n!keep.md\n',
      'tools/tool': '#!/bin/sh\necho the tool of the repository\n',
      'tools/linked': 'x',
      'README.md': 'left out',
      'keep.md': 'kept',
    });
    const run = unwrap(await test.company.showRun(runId));
    expect([run.state, run.error]).toEqual(['published', null]);
    const [request] = unwrap(await test.company.listPullRequests('own'));
    const said = git(test.repository, 'show', `${request?.branch}:two.txt`).split('\n');
    expect(said.slice(0, 3)).toEqual(['the tool of the repository', 'in the container', 'hello']);
    expect(said.slice(3, -1)).toEqual(['Dockerfile', 'keep.md', 'tools']);
    expect(said.at(-1)).toBe('lo');
    expect(await built()).toHaveLength(1);
    const log = readFileSync(join(test.home.runsFolder, '..', 'engine.log'), 'utf8');
    expect(log).toContain('Not done of .devcontainer/devcontainer.json: postCreateCommand');
  });

  it.each([
    ['AC_DEVCONTAINER_REFUSED', 'ADD may fetch', `FROM ${worker.reference}\nADD http://127.0.0.1:1/ /x\n`],
    ['AC_DEVCONTAINER_BUILD', 'returned a non-zero code', `FROM ${worker.reference}\nRUN echo it broke; exit 3\n`],
    ['AC_IMAGE_REFUSED', 'LD_PRELOAD', `FROM ${worker.reference}\nENV LD_PRELOAD=/evil.so\n`],
  ])('is told %s (%s), and nothing of it stays', async (code, named, text) => {
    const build = { dockerfile: 'Dockerfile' };
    const runId = await runWith({ '.devcontainer.json': JSON.stringify({ build }), 'Dockerfile': text });
    const [task] = unwrap(await test.company.showRun(runId)).task_list;
    expect(task?.attempts[0]?.error).toMatchObject({ code });
    expect(JSON.stringify(task?.attempts[0]?.error)).toContain(named);
    expect(await built()).toEqual([]);
  });

  it('is not asked where no person said so', async () => {
    const runId = await runWith({ '.devcontainer.json': '{"image":"nowhere:1"}' }, false);
    expect(unwrap(await test.company.showRun(runId)).settings).toMatchObject({ devcontainer: false, image: null });
    expect(await built()).toEqual([]);
  });
});
