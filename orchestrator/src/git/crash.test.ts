import { newId, unwrap } from '@agentcompany/protocol';
import { describe, expect, it, vi } from 'vitest';
import { readyProgramStarter } from './testing/ready-program-starter.ts';
import type { IngestRequest, ProjectRepositories } from './repositories.ts';
import { createGitFixture, git, startRun, workerResult } from './testing/git-fixture.ts';

async function wholeLine(repositories: ProjectRepositories, runId: string, request: IngestRequest): Promise<string> {
  unwrap(await repositories.synchronize());
  unwrap(await repositories.createRunBranch(runId, request.baseOid));
  const { commit } = unwrap(await repositories.ingest(request));
  unwrap(await repositories.merge({ runId, attemptId: request.attemptId, commit, title: request.title }));
  const oid = unwrap(await repositories.runTip(runId));
  unwrap(await repositories.push({ runId, oid, branch: 'agent/x' }));
  return oid;
}

const steps = [
  'mirror-synchronized',
  'run-branch-created',
  'quarantine-unpacked',
  'vault-objects',
  'vault-reference',
  'merge-objects',
  'merge-reference',
  'pushed',
];

describe('an end at any durable step', () => {
  it('knows all the steps there are', async () => {
    using fixture = createGitFixture();
    const { base } = await startRun(fixture);
    const request = workerResult(fixture, base, { 'new.txt': 'x\n' });
    fixture.steps.length = 0;
    await wholeLine(fixture.open(), newId(), request);
    expect(fixture.steps).toEqual(steps);
  });

  it.each(steps)(
    'S39 after %s a second start ends with one merge, one reference each, and sound repositories',
    async (step) => {
      using fixture = createGitFixture();
      const { base } = await startRun(fixture);
      const runId = newId();
      const request = workerResult(fixture, base, { 'new.txt': 'x\n' });
      const crashing = fixture.open({
        onDurableStep: (name) => {
          if (name === step) throw new Error('killed');
        },
      });
      await expect(wholeLine(crashing, runId, request)).rejects.toThrow('killed');
      const oid = await wholeLine(fixture.open(), runId, request);
      expect(git(fixture.source, ['rev-parse', 'agent/x'])).toBe(oid);
      expect(git(fixture.mirrorFolder, ['rev-list', '--count', '--merges', oid])).toBe('1');
      expect(git(fixture.vaultFolder, ['for-each-ref']).split('\n')).toHaveLength(1);
      for (const repository of [fixture.mirrorFolder, fixture.vaultFolder]) {
        expect(git(repository, ['fsck', '--strict', '--connectivity-only'])).not.toMatch(/missing|broken|error/u);
      }
    },
  );

  it.each(steps)('S39 of the process that starts git, after %s, is one failed call at most', async (step) => {
    using fixture = createGitFixture();
    const { base } = await startRun(fixture);
    const runId = newId();
    const request = workerResult(fixture, base, { 'new.txt': 'x\n' });
    await using ready = await readyProgramStarter();
    const pid = await ready.pid();
    const killing = fixture.open({
      runProcess: ready.starter.run,
      onDurableStep: (name) => void (name === step && process.kill(pid, 'SIGKILL')),
    });
    const first = await wholeLine(killing, runId, request).catch((error: unknown) => String(error));
    expect(first).toMatch(/^[0-9a-f]{40}$|AC_GIT_INTERRUPTED/u);
    await vi.waitFor(() => expect(ready.told.at(1)).toMatchObject({ event: 'program-starter-ended' }));
    const oid = await wholeLine(fixture.open({ runProcess: ready.starter.run }), runId, request);
    expect(git(fixture.source, ['rev-parse', 'agent/x'])).toBe(oid);
    expect(git(fixture.mirrorFolder, ['rev-list', '--count', '--merges', oid])).toBe('1');
  });
});
