import type { AgentBus } from '@agentcompany/agent-bus';
import type { Task } from '@agentcompany/protocol';
import type { Run } from '../company/records.ts';
import type { Attempt } from '../engine/attempt.ts';
import type { RunFolds } from '../engine/run-folds.ts';

/** What the tools of one attempt stand on. */
export interface DeskWork {
  readonly bus: AgentBus;
  readonly folds: RunFolds;
  readonly run: Run;
  readonly task: Task;
  readonly taskId: string;
  readonly attemptId: string;
  readonly feedback: Attempt['assignment']['feedback'];
  /** Milliseconds that a person has to answer a question. */
  readonly patienceMs: number;
}

export function deskWork(
  parts: Pick<DeskWork, 'bus' | 'folds'>,
  { run, attempt }: { readonly run: Run; readonly attempt: Attempt },
): DeskWork {
  const { task, feedback } = attempt.assignment;
  const patienceMs = (task.timeout ?? run.settings.command_timeout) * 1000;
  const { bus, folds } = parts;
  return { bus, folds, run, task, taskId: task.id, attemptId: attempt.id, feedback, patienceMs };
}
