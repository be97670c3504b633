import type { PayloadOf } from '@agentcompany/protocol';
import { describe, expect, it } from 'vitest';
import { openRun } from '../../company/fold.ts';
import type { AttemptRecord, Run } from '../../company/records.ts';
import { planOf, settingsOf } from '../../company/testing/fixtures.ts';
import { envelopeTo } from '../../engine/testing/ledger-on-disk.ts';
import { compareRuns } from './compare-runs.ts';

const id = '0198c5f2-0000-7000-8000-000000000001';

/** A run whose task `a` was judged like this. */
function sketch(verdicts: readonly (PayloadOf<'review_response'>['verdict'] | null)[], state: Run['state']): Run {
  const payload = { project_id: 'shop', instruction: 'Do.', plan: planOf({ a: [] }), settings: settingsOf({}) };
  const run = openRun(envelopeTo(id, 'task_submit', payload, { id }));
  if (run === null) throw new Error('no run');
  run.state = state;
  run.planHash = 'hash';
  const spec = planOf({ a: [] }).tasks[0];
  run.tasks.set('a', { spec, state: 'merged' } as unknown as Parameters<typeof run.tasks.set>[1]);
  for (const [index, verdict] of verdicts.entries())
    run.attempts.set(`${index}`, {
      taskId: 'a',
      review: verdict === null ? null : { verdict },
    } as unknown as AttemptRecord);
  return run;
}

describe('two courses of a run', () => {
  it('are the same although attempts were lost and the pull request was merged later', () => {
    const facts = compareRuns(
      { run: sketch([null, 'request_changes', null, 'approve'], 'completed'), tree: 't' },
      { run: sketch(['request_changes', 'approve'], 'published'), tree: 't' },
    );
    expect(facts.map(({ what, recorded, same }) => [what, recorded, same])).toEqual([
      ['plan', 'hash', true],
      ['task a', 'request changes, approve, merged', true],
      ['result', 't', true],
      ['run', 'published', true],
    ]);
  });

  it('differ in verdicts, in tasks that came to be, in the tree, in their end', () => {
    const other = sketch(['approve'], 'failed');
    other.tasks.delete('a');
    const facts = compareRuns({ run: sketch(['reject'], 'published'), tree: 't' }, { run: other, tree: null });
    expect(facts.filter(({ same }) => !same).map(({ what, replayed }) => [what, replayed])).toEqual([
      ['task a', 'absent'],
      ['result', 'none'],
      ['run', 'failed'],
    ]);
  });
});
