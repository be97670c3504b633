import { envelopeTypes } from '@agentcompany/protocol';
import { describe, expect, it } from 'vitest';
import { attemptTable } from './attempt-table.ts';
import { runTable } from './run-table.ts';
import { attemptStates, runStates, taskStates } from './states.ts';
import { taskTable } from './task-table.ts';
import { nextState, type StateTable } from './transitions.ts';

/** Every transition there is (DESIGN §5). A line more or less here is a decision, not a detail. */
const runs = `
  none task_submit -> pending
  pending plan_request -> planning
  pending run_pause -> paused
  pending run_cancel -> cancelling
  pending run_failed -> failed
  planning approval_request -> awaiting_approval
  planning run_state -> running | needs_attention
  planning run_pause -> paused
  planning run_cancel -> cancelling
  planning run_failed -> failed
  awaiting_approval approval_request -> awaiting_approval
  awaiting_approval run_state -> running | needs_attention
  awaiting_approval run_pause -> paused
  awaiting_approval run_cancel -> cancelling
  awaiting_approval run_failed -> failed
  running approval_request -> awaiting_approval
  running run_state -> verifying | needs_attention
  running run_resume -> running
  running run_pause -> paused
  running run_cancel -> cancelling
  running run_failed -> failed
  verifying run_state -> running | publishing | needs_attention
  verifying run_pause -> paused
  verifying run_cancel -> cancelling
  verifying run_failed -> failed
  publishing run_state -> published | needs_attention
  publishing run_pause -> paused
  publishing run_cancel -> cancelling
  publishing run_failed -> failed
  published run_state -> running
  published run_cancel -> cancelling
  published run_complete -> completed
  paused run_resume -> pending | planning | awaiting_approval | running | verifying | publishing
  paused run_cancel -> cancelling
  paused run_state -> needs_attention
  paused run_failed -> failed
  needs_attention run_resume -> planning | awaiting_approval | running | verifying | publishing
  needs_attention run_cancel -> cancelling
  needs_attention run_failed -> failed
  cancelling run_state -> cancelled`;

const tasks = `
  none task_plan -> pending
  none plan_revision -> pending
  pending task_state -> ready | blocked | cancelled
  pending plan_revision -> cancelled
  blocked task_state -> cancelled
  blocked plan_revision -> cancelled | pending
  ready task_assign -> assigned
  ready task_state -> cancelled
  ready plan_revision -> cancelled
  assigned attempt_started -> running
  assigned task_state -> cancelled | awaiting_person
  assigned plan_revision -> cancelled
  running attempt_lost -> assigned
  running task_complete -> quality_check
  running task_retry -> ready
  running task_state -> failed | awaiting_person | cancelling | cancelled
  running plan_revision -> cancelling | cancelled
  quality_check review_request -> in_review
  quality_check task_retry -> ready
  quality_check task_state -> failed | awaiting_person | cancelled
  quality_check plan_revision -> cancelled
  in_review task_retry -> ready
  in_review approval_request -> awaiting_person
  in_review task_state -> approved | failed | awaiting_person | cancelled
  in_review plan_revision -> cancelled
  approved merge_request -> merging
  approved task_state -> cancelled
  merging merge_complete -> merged
  merging conflict_escalate -> awaiting_person
  merging task_state -> awaiting_person | cancelled
  merging plan_revision -> cancelled
  awaiting_person task_retry -> ready
  awaiting_person task_state -> approved | failed | awaiting_person | cancelled
  awaiting_person plan_revision -> cancelled
  failed plan_revision -> cancelled
  cancelling attempt_lost -> cancelled
  cancelling task_complete -> cancelled
  cancelling task_failed -> cancelled`;

const attempts = `
  none attempt_started -> leased
  leased attempt_lost -> lost
  leased task_failed -> rejected
  leased effect_request -> starting
  starting attempt_lost -> lost
  starting task_failed -> rejected
  starting effect_result -> working
  working attempt_lost -> lost
  working task_failed -> rejected
  working task_complete -> delivered
  delivered effect_result -> ingested | rejected`;

function linesOf(pinned: string): readonly string[] {
  return pinned
    .trim()
    .split('\n')
    .map((line) => line.trim());
}

const tables: readonly (readonly [string, string, StateTable<string>, readonly string[]])[] = [
  ['run', runs, runTable, runStates],
  ['task', tasks, taskTable, taskStates],
  ['attempt', attempts, attemptTable, attemptStates],
];

describe.each(tables)('the table of a %s', (_, pinned, table, states) => {
  const pairs = ['none', ...states].flatMap((state) => envelopeTypes.map((type) => ({ state, type })));

  it('allows the pinned transitions and refuses every other pair of state and envelope type', () => {
    const found = pairs.flatMap(({ state, type }) => {
      const targets = states.filter((wanted) => nextState(table, state, type, wanted) !== null);
      return targets.length === 0 ? [] : [`${state} ${type} -> ${targets.join(' | ')}`];
    });
    const normal = linesOf(pinned).map((line) => {
      const [cause, targets = ''] = line.split(' -> ');
      const wanted = targets.split(' | ');
      return `${cause} -> ${states.filter((state) => wanted.includes(state)).join(' | ')}`;
    });
    expect(found.toSorted()).toStrictEqual(normal.toSorted());
  });

  it('refuses a state of no such machine, and to choose where the envelope names none', () => {
    for (const { state, type } of pairs) {
      expect(nextState(table, state, type, 'nowhere')).toBeNull();
      const targets = table[state]?.[type] ?? [];
      expect(nextState(table, state, type)).toBe(targets.length === 1 ? targets[0] : null);
    }
  });

  it('leads to every state, and out of each that is no end', () => {
    const reached = new Set(Object.values(table).flatMap((row) => Object.values(row).flat()));
    expect([...reached].toSorted()).toStrictEqual([...states].toSorted());
    const ends = states.filter((state) => Object.keys(table[state] ?? {}).length === 0);
    const known = ['completed', 'failed', 'cancelled', 'merged', 'ingested', 'rejected', 'lost'];
    expect(known).toEqual(expect.arrayContaining(ends));
  });
});
