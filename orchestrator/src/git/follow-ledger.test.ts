import { unwrap } from '@agentcompany/protocol';
import { describe, expect, it } from 'vitest';
import { createGitFixture, git, startRun, workerResult } from './testing/git-fixture.ts';

describe('a run whose ledger was put back to an earlier copy', () => {
  it('S84 sets the branch back to the tip on record, keeps what it leaves, and may push over it', async () => {
    using fixture = createGitFixture();
    const { repositories, runId, base } = await startRun(fixture);
    const first = workerResult(fixture, base, { 'a.txt': 'first\n' });
    const { commit } = unwrap(await repositories.ingest(first));
    unwrap(await repositories.merge({ runId, attemptId: first.attemptId, commit, title: 'x' }));
    const left = unwrap(await repositories.runTip(runId));
    unwrap(await repositories.push({ runId, oid: left, branch: 'agent/x' }));

    unwrap(await repositories.followLedger({ runId, tip: base, expected: [] }));
    expect(unwrap(await repositories.runTip(runId))).toBe(base);
    expect(git(fixture.mirrorFolder, ['cat-file', '-t', left])).toBe('commit');

    // The same attempt, carried out again, made something else.
    const again = workerResult(fixture, base, { 'a.txt': 'again\n' });
    const request = { ...again, attemptId: first.attemptId };
    const ingested = await repositories.ingest({ ...request, resultRef: again.resultRef });
    const redone = unwrap(ingested).commit;
    expect(redone).not.toBe(commit);
    unwrap(await repositories.merge({ runId, attemptId: first.attemptId, commit: redone, title: 'x' }));
    const tip = unwrap(await repositories.runTip(runId));
    unwrap(await repositories.push({ runId, oid: tip, branch: 'agent/x' }));
    expect(git(fixture.source, ['rev-parse', 'agent/x'])).toBe(tip);
  });

  it('S65 leaves a merge alone that the ledger waits for: a crash came before its record', async () => {
    using fixture = createGitFixture();
    const { repositories, runId, base } = await startRun(fixture);
    const request = workerResult(fixture, base, { 'a.txt': 'x\n' });
    const { commit } = unwrap(await repositories.ingest(request));
    unwrap(await repositories.merge({ runId, attemptId: request.attemptId, commit, title: 'x' }));
    const merged = unwrap(await repositories.runTip(runId));
    for (const expected of [[commit], 'any'] as const) {
      unwrap(await repositories.followLedger({ runId, tip: base, expected }));
      expect(unwrap(await repositories.runTip(runId))).toBe(merged);
    }
    unwrap(await repositories.followLedger({ runId, tip: merged, expected: [] }));
    expect(unwrap(await repositories.runTip(runId))).toBe(merged);
  });

  it('S65 leaves several merges alone that the ledger waits for, and none where it does not wait for each', async () => {
    using fixture = createGitFixture();
    const { repositories, runId, base } = await startRun(fixture);
    const commits: string[] = [];
    for (const name of ['one', 'two']) {
      const request = workerResult(fixture, base, { [name]: 'x\n' });
      const { commit } = unwrap(await repositories.ingest(request));
      unwrap(await repositories.merge({ runId, attemptId: request.attemptId, commit, title: name }));
      commits.push(commit);
    }
    const merged = unwrap(await repositories.runTip(runId));
    unwrap(await repositories.followLedger({ runId, tip: base, expected: commits.toReversed() }));
    expect(unwrap(await repositories.runTip(runId))).toBe(merged);
    unwrap(await repositories.followLedger({ runId, tip: base, expected: commits.slice(1) }));
    expect(unwrap(await repositories.runTip(runId))).toBe(base);
  });

  it('S84 takes the branch away from a run that has no base yet', async () => {
    using fixture = createGitFixture();
    const { repositories, runId, base } = await startRun(fixture);
    unwrap(await repositories.followLedger({ runId, tip: null, expected: [] }));
    expect(await repositories.runTip(runId)).toMatchObject({ error: { code: 'AC_BRANCH_UNKNOWN' } });
    unwrap(await repositories.createRunBranch(runId, base));
    expect(unwrap(await repositories.runTip(runId))).toBe(base);
  });
});
