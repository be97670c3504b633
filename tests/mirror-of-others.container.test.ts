import { randomUUID } from 'node:crypto';
import { unwrap } from '@agentcompany/protocol';
import { afterEach, describe, expect, it } from 'vitest';
import { git, openTestCompany, planOf, type TestCompany } from './support/open-test-company.ts';
import { until } from './support/until.ts';

describe('the mirror that a worker reads', () => {
  let test: TestCompany | null = null;
  afterEach(() => test?.dispose());

  it('S86 shows a worker that lists every ref and object neither waiting nor refused work of others', async () => {
    test = await openTestCompany({ files: { 'README.md': 'content of everybody\n' } });
    const { company, repository } = test;
    const [waiting, refused] = [`waiting-${randomUUID()}`, `refused-${randomUUID()}`];
    const submit = async (plan: ReturnType<typeof planOf>): Promise<string> =>
      unwrap(await company.submit({ projectId: 'app', instruction: 'Do it', plan })).runId;
    const workflow = `mkdir -p .github/workflows; echo ${waiting} > .github/workflows/w.yml`;
    const others = await submit(
      planOf([
        { id: 'waiting', run: { command: workflow } },
        { id: 'refused', run: { command: `echo ${refused} > kept.txt; ln -s /etc/passwd leak` } },
      ]),
    );
    const stop = new AbortController();
    const driving = company.drive({ runs: [others], signal: stop.signal });
    await Promise.all([
      until(company, others, (type) => type === 'approval_request'),
      until(company, others, (_type, payload) => JSON.stringify(payload).includes('AC_PATH_REFUSED')),
    ]);
    stop.abort();
    await driving;

    const look = `
      export GIT_DIR=/mirror.git; git for-each-ref > refs.txt
      git cat-file --batch-all-objects --batch > all.bin
      cat /mirror.git/packed-refs /mirror.git/objects/info/* 2>/dev/null > loose.txt
      for word in 'content of everybody' 'waiting-' 'refused-'; do cat all.bin refs.txt loose.txt | grep -ac "$word"; done > counts.txt
      rm all.bin`;
    const looked = await submit(planOf([{ id: 'look', run: { command: look } }]));
    unwrap(await company.drive({ runs: [looked], signal: AbortSignal.timeout(100_000) }));
    expect(unwrap(await company.showRun(looked)).state).toBe('published');
    const [request] = unwrap(await company.listPullRequests('app')).toReversed();
    const counts = git(repository, 'show', `${request?.branch}:counts.txt`).split('\n');
    // The first is there to be found: the search works.
    expect(counts).toEqual(['1', '0', '0']);
    expect(git(repository, 'show', `${request?.branch}:refs.txt`)).not.toMatch(/incoming|results|quarantine/);
  });
});
