import { agentDefinition, type AgentDefinition } from '@agentcompany/protocol';
import { describe, expect, it } from 'vitest';
import { task } from '../company/testing/fixtures.ts';
import { agentSeconds } from './agent-seconds.ts';

const base = { project_id: 'app', verify: [], round: 1, feedback: null, image: null };

function secondsOf(definition: Partial<AgentDefinition> | null, timeout?: number): number {
  const agent = definition === null ? undefined : agentDefinition.parse({ name: 'a', role: 'worker', ...definition });
  const asked = task('a', timeout === undefined ? {} : { timeout });
  const assignment = { ...base, task: asked, ...(agent === undefined ? {} : { agent }) };
  return agentSeconds(assignment, timeout ?? 300);
}

describe('the time of an agent', () => {
  it('is that of one command where a command is the agent', () => {
    expect([secondsOf(null), secondsOf(null, 1800)]).toEqual([300, 1800]);
  });

  it('is that of all turns of the builtin agent', () => {
    const definition = { max_turns: 60, timeout: 300 };
    expect([secondsOf(definition), secondsOf(definition, 1800)]).toEqual([36_000, 126_000]);
  });

  it('is what its task names of a code agent, else that of all turns and an hour at most', () => {
    const runtime = 'codex';
    expect(secondsOf({ runtime, max_turns: 100, timeout: 600 })).toBe(3600);
    expect(secondsOf({ runtime, max_turns: 2, timeout: 30 })).toBe(660);
    expect(secondsOf({ runtime, max_turns: 2, timeout: 30 }, 1800)).toBe(1800);
    expect(secondsOf({ runtime, max_turns: 100, timeout: 600 }, 20_000)).toBe(20_000);
  });
});
