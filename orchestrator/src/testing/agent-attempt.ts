import { agentDefinition, type AgentDefinition, type Task } from '@agentcompany/protocol';
import { idOf, openedRun, task } from '../company/testing/fixtures.ts';
import type { Attempt } from '../engine/attempt.ts';
import type { Payer } from '../open-attempt-models.ts';

/** A run, and an attempt at a task of it that an agent carries out. */
export function agentAttempt(
  agent: Partial<AgentDefinition> = {},
  more: { readonly task?: Partial<Task>; readonly round?: number; readonly fresh?: boolean } = {},
): Payer & { readonly attempt: Attempt } {
  const { fresh, round = 1 } = more;
  return {
    run: openedRun(null),
    attempt: {
      id: idOf(1),
      epoch: 1,
      baseOid: '1'.repeat(40),
      slot: 'worker-001',
      assignment: {
        project_id: 'shop',
        task: task('a', { agent: 'developer', ...more.task }),
        verify: [],
        round,
        feedback: null,
        image: null,
        agent: agentDefinition.parse({ name: 'developer', role: 'worker', ...agent }),
        ...(fresh === undefined ? {} : { fresh }),
      },
    },
  };
}
