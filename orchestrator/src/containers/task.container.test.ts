import { access } from 'node:fs/promises';
import { success, unwrap, type WorkOrder, type WorkReport } from '@agentcompany/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WorkerFixture, type Finished } from './testing/worker-fixture.ts';

describe('a task in a real container', () => {
  let fixture: WorkerFixture;
  beforeAll(async () => {
    fixture = await WorkerFixture.open({ 'readme.txt': 'hello\n', '.gitignore': 'ignored.txt\n' });
  });
  afterAll(() => fixture.close());

  type Overrides = Partial<Extract<WorkOrder, { kind: 'task' }>>;
  const finish = (overrides: Overrides): Promise<Finished> => fixture.finish(fixture.order(overrides));
  const reportOf = async (overrides: Overrides): Promise<WorkReport> => unwrap((await finish(overrides)).result).report;
  const codeOf = async (overrides: Overrides): Promise<string | undefined> => (await reportOf(overrides)).error?.code;

  /** Brings a bundle into the mirror so that its content can be looked at. */
  async function show(finished: Finished, path: string): Promise<string> {
    const { report } = unwrap(finished.result);
    await fixture.git(
      '-C',
      fixture.mirror,
      'fetch',
      '--quiet',
      finished.bundleFile,
      `refs/agentcompany/result:refs/test/${report.commit}`,
    );
    return fixture.git('-C', fixture.mirror, 'show', `${report.commit}:${path}`);
  }

  it('comes back as a bundle with one ref and one commit on its base, and the container is gone', async () => {
    const order = fixture.order({ verify: ['grep -q changed changed.txt'] });
    const finished = await fixture.finish(order);
    const { report, bundle } = unwrap(finished.result);
    expect(report).toMatchObject({ outcome: 'done', error: null, agent: { exit_code: 0 }, verify: [{ exit_code: 0 }] });
    expect(bundle?.bytes).toBeGreaterThan(100);
    expect(await fixture.git('bundle', 'list-heads', finished.bundleFile)).toBe(`${report.commit} ${order.result_ref}`);
    expect(await show(finished, 'changed.txt')).toBe('changed');
    expect(await fixture.git('-C', fixture.mirror, 'rev-parse', `${report.commit}^`)).toBe(fixture.base);
    expect(await fixture.git('-C', fixture.mirror, 'rev-parse', `${report.commit}^{tree}`)).toBe(report.tree);
    expect(finished.progress[0]).toBe('checking out');
    expect(finished.containers).toHaveLength(1);
    expect(await fixture.engine.inspect(finished.containers[0] ?? '')).toMatchObject({
      error: { code: 'AC_CONTAINER_UNKNOWN' },
    });
  });

  it('tells its outcome once, and ends when the container is gone', async () => {
    const outcomes: boolean[] = [];
    const ids: string[] = [];
    const { result } = await fixture.finish(fixture.order(), {
      onCreated: (id) => {
        ids.push(id);
        return Promise.resolve(success());
      },
      onOutcome: ({ ok }) => void outcomes.push(ok),
    });
    expect(unwrap(result).report.outcome).toBe('done');
    expect(outcomes).toEqual([true]);
    expect(await fixture.engine.inspect(ids[0] ?? '')).toMatchObject({ error: { code: 'AC_CONTAINER_UNKNOWN' } });
  });

  it('runs a script with node, outside the repository, with task and feedback as files', async () => {
    const script = `
      import { readFileSync, writeFileSync } from 'node:fs';
      const read = (name) => JSON.parse(readFileSync(process.env[name], 'utf8'));
      writeFileSync('told.json', JSON.stringify([read('AGENTCOMPANY_TASK').title, read('AGENTCOMPANY_FEEDBACK').message]));`;
    const feedback = { reason: 'failed' as const, message: 'it was red', findings: [] };
    const finished = await finish({ run: { script, interpreter: 'node' }, feedback });
    expect(JSON.parse(await show(finished, 'told.json'))).toEqual(['Change something', 'it was red']);
    const { report } = unwrap(finished.result);
    expect(await fixture.git('-C', fixture.mirror, 'diff', '--name-only', fixture.base, report.commit ?? '')).toBe(
      'told.json',
    );
  });

  it('names no feedback where there is none, and takes commits the agent made itself', async () => {
    const run = {
      command:
        'test -z "${AGENTCOMPANY_FEEDBACK+set}" && echo 1 > one && git add one && git commit -qm one && echo 2 > two',
    };
    const { report } = unwrap((await finish({ run })).result);
    expect(report).toMatchObject({ outcome: 'done' });
  });

  it('that changes nothing fails as AC_WORK_EMPTY, unless it may: then the bundle holds an empty commit', async () => {
    const nothing = { run: { command: 'true' } };
    expect(await codeOf(nothing)).toBe('AC_WORK_EMPTY');
    const { report, bundle } = unwrap((await finish({ ...nothing, allow_empty: true })).result);
    expect(report.outcome).toBe('done');
    expect(report.commit).not.toBe(fixture.base);
    expect(bundle).not.toBeNull();
  });

  it('whose command fails reports its exit code and the tail of its output, and leaves no bundle', async () => {
    const { result, bundleFile } = await finish({
      run: { command: 'yes filler | head -c 20000; echo the end >&2; exit 3' },
    });
    const { report, bundle } = unwrap(result);
    expect(report).toMatchObject({ outcome: 'failed', error: { code: 'AC_WORK_FAILED' }, agent: { exit_code: 3 } });
    expect(report.error?.message).toContain('exit code 3');
    expect(report.agent?.output).toMatch(/the end\n$/);
    expect(Buffer.byteLength(report.agent?.output ?? '')).toBeLessThanOrEqual(8192);
    expect(bundle).toBeNull();
    await expect(access(bundleFile)).rejects.toThrow();
  });

  it('that takes too long is ended with all its children', async () => {
    const begun = performance.now();
    const report = await reportOf({
      run: { command: 'setsid sleep 60 & sleep 60 & echo begun; wait' },
      command_timeout: 1,
    });
    expect(report).toMatchObject({ error: { code: 'AC_WORK_TIMEOUT' }, agent: { exit_code: null, output: 'begun\n' } });
    expect(performance.now() - begun).toBeLessThan(20_000);
  });

  it('stops at the first check that is red', async () => {
    const report = await reportOf({ verify: ['true', 'echo broken; exit 1', 'echo never'] });
    expect(report).toMatchObject({ outcome: 'failed', error: { code: 'AC_VERIFY_FAILED', retry: 'later' } });
    expect(report.verify.map((check) => check.exit_code)).toEqual([0, 1]);
  });

  it('whose check needs a tool the image lacks ends as AC_VERIFY_UNAVAILABLE and says how to give one', async () => {
    const report = await reportOf({ verify: ['no-such-tool --test'] });
    expect(report.error).toMatchObject({ code: 'AC_VERIFY_UNAVAILABLE', retry: 'never' });
    expect(report.error?.remedy).toContain('image');
  });

  it('is checked on the committed tree alone: what is ignored or left running does not count', async () => {
    const command =
      'echo 1 > kept; echo 1 > ignored.txt; (setsid sh -c "while :; do echo x > kept; done" >/dev/null 2>&1 &) ; true';
    const report = await reportOf({
      run: { command },
      verify: ['test ! -e ignored.txt', 'sleep 0.3; git diff --exit-code'],
    });
    expect(report.verify).toMatchObject([{ exit_code: 0 }, { exit_code: 0 }]);
  });

  it('hands over the commit that was checked, whatever the check did to the repository', async () => {
    const finished = await finish({
      verify: ['echo evil > changed.txt; git commit -qam evil; git update-ref refs/agentcompany/result HEAD'],
    });
    expect(await show(finished, 'changed.txt')).toBe('changed');
  });

  it('takes object ids from git although the agent makes every ref ambiguous and git warns', async () => {
    const command =
      'echo 1 > one; git tag -f HEAD; git branch -f HEAD 2>/dev/null; git update-ref refs/heads/HEAD HEAD; git config advice.x y';
    const { report } = unwrap((await finish({ run: { command } })).result);
    expect(report.commit).toMatch(/^[0-9a-f]{40}$/);
    expect(report.tree).toMatch(/^[0-9a-f]{40}$/);
  });

  it('that rewrites history fails as AC_WORK_NOT_DESCENDANT', async () => {
    const command = 'git checkout -q --orphan other && echo 1 > new && git add new && git commit -qm other';
    expect(await codeOf({ run: { command } })).toBe('AC_WORK_NOT_DESCENDANT');
  });

  it('whose base the mirror lacks fails as AC_CLONE_FAILED', async () => {
    expect(await codeOf({ base_oid: '1'.repeat(40) })).toBe('AC_CLONE_FAILED');
  });

  it('of kind verify checks a commit and brings no bundle', async () => {
    const common = { kind: 'verify' as const, mirror: '/mirror.git', base_oid: fixture.base, command_timeout: 20 };
    const green = unwrap((await fixture.finish({ ...common, verify: ['grep -q hello readme.txt'] })).result);
    expect(green).toMatchObject({ report: { outcome: 'done', error: null }, bundle: null });
    const red = unwrap((await fixture.finish({ ...common, verify: ['false'] })).result);
    expect(red).toMatchObject({ report: { outcome: 'failed', error: { code: 'AC_VERIFY_FAILED' } } });
  });
});
