import { newId, unwrap } from '@agentcompany/protocol';
import { describe, expect, it } from 'vitest';
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
});
