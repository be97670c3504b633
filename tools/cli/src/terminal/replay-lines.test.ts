import { describe, expect, it } from 'vitest';
import type { ReplayReport } from '@agentcompany/orchestrator/replay';
import { runCli } from '../testing/run-cli.ts';
import { replayLines } from './replay-lines.ts';

const digest = 'a1'.repeat(32);
const same: ReplayReport = {
  run_id: 'r',
  replay_id: 's',
  folder: null,
  same: true,
  facts: [
    { what: 'plan', recorded: digest, replayed: digest, same: true },
    { what: 'task a', recorded: 'approve, merged', replayed: 'approve, merged', same: true },
  ],
  exchanges: { recorded: 1, used: 1 },
  first_unrecorded: null,
};

describe('a replay for people', () => {
  it('shows what was compared', () => {
    expect(replayLines(same, 80)).toEqual([
      'WHAT          RECORDED         REPLAYED',
      'plan    same  a1a1a1a1a1a1     a1a1a1a1a1a1',
      'task a  same  approve, merged  approve, merged',
      '',
      '1 recorded answer, 1 used',
      'The run went the same way.',
    ]);
  });

  it('shows where it left its course, in lines that do nothing to a terminal', () => {
    const nearest = {
      scope: 'task/a/1',
      path: 'messages.2.text',
      recorded: `x\u001b[2J\n${'y'.repeat(200)}`,
      asked: '(nothing)',
      same: 9,
    };
    const lines = replayLines({ ...same, same: false, first_unrecorded: { digest, nearest } }, 80);
    expect(lines.slice(5, 7)).toEqual([
      'It left its course at request a1a1a1a1a1a1, which was not recorded.',
      'The nearest one is of task/a/1; they differ at messages.2.text:',
    ]);
    expect(lines.at(-1)).toBe('The run went another way.');
    for (const character of ['\u001b', '\n']) expect(lines.join('|')).not.toContain(character);
    expect(lines.filter((line) => line.length > 80)).toEqual([]);
    const empty = replayLines({ ...same, same: false, first_unrecorded: { digest, nearest: null } }, 80);
    expect(empty).toHaveLength(7);
  });

  it('of a run there is not ends with its error', async () => {
    const { exitCode, stderr } = await runCli(['replay', '0198']);
    expect([exitCode, stderr]).toEqual([1, expect.stringContaining('AC_RUN_UNKNOWN')]);
  });
});
