import { maximumGlobLength, type Task } from '@agentcompany/protocol';
import { companyErrors } from '../errors.ts';
import { freeId } from '../free-id.ts';
import type { Run, TaskRecord } from '../records.ts';
import { record, type Draft } from './draft.ts';
import { listPaths, maximumListed } from './list-paths.ts';

/** Tasks that hold both sides' intent before a person is asked (C23). */
const maximumConflictRounds = 2;

/**
 * A conflict becomes one task holding both sides' intent, worked on top of what is already merged; after two of them
 * a person is asked. The task it replaces is superseded, never edited.
 */
export function afterConflict(run: Run, task: TaskRecord, conflicts: readonly string[]): readonly Draft[] {
  const about = { taskId: task.spec.id };
  if (task.conflictRounds >= maximumConflictRounds) {
    const error = companyErrors.AC_MERGE_CONFLICT({ task: task.spec.id, paths: listPaths(conflicts) });
    return [
      record('conflict_escalate', { conflicts: conflicts.slice(0, maximumListed), message: error.message }, about),
      record('escalate', { reason: 'conflict', error }, about),
    ];
  }
  const others = mergedMeanwhile(run, task, conflicts);
  const successor = joinIntents(run, task, others, conflicts);
  return [
    record('plan_revision', {
      revision: run.revision + 1,
      reason: `${task.spec.id} conflicts with ${others.map(({ id }) => id).join(', ') || 'the base'}`,
      add: [successor],
      supersede: [{ task_id: task.spec.id, by: successor.id }],
      feedback: {
        reason: 'conflict',
        message: `The earlier result conflicted in ${listPaths(conflicts)}. Both intents must hold.`,
        findings: conflicts
          .slice(0, maximumListed)
          .map((path) => ({ rule: 'conflict', path, message: 'both sides changed this path' })),
      },
    }),
  ];
}

/** The tasks merged after this attempt's base that touched the conflicting paths. */
function mergedMeanwhile(run: Run, task: TaskRecord, conflicts: readonly string[]): readonly Task[] {
  const paths = new Set(conflicts);
  const attempt = run.attempts.get(task.attemptId ?? '');
  const from = run.merges.findIndex((merge) => merge.tip === attempt?.baseOid);
  return run.merges.slice(from + 1).flatMap(({ taskId }) => {
    const other = taskId === null ? undefined : run.tasks.get(taskId);
    const changes = run.attempts.get(other?.attemptId ?? '')?.ingested?.changes ?? [];
    return other !== undefined && changes.some((change) => paths.has(change.path)) ? [other.spec] : [];
  });
}

function joinIntents(run: Run, task: TaskRecord, others: readonly Task[], conflicts: readonly string[]): Task {
  const { spec } = task;
  const root = spec.id.replace(/-conflict-\d+$/, '').slice(0, 50);
  const theirs = others.map((other) => `- ${other.title}: ${other.instructions}`).join('\n');
  return {
    ...spec,
    id: freeId(run, `${root}-conflict-${task.conflictRounds + 1}`),
    title: spec.title,
    instructions:
      `${spec.instructions}\n\nAlready merged, and to be kept:\n${theirs}\n\nConflicting paths: ${listPaths(conflicts)}`.slice(
        0,
        65_000,
      ),
    acceptance: [...new Set([...spec.acceptance, ...others.flatMap((other) => other.acceptance)])].slice(0, 50),
    paths: spec.paths.length === 0 ? [] : [...new Set([...spec.paths, ...conflicts.flatMap(asGlob)])].slice(0, 200),
  };
}

/** The glob that matches just this path; none where a plan could not declare it: a refused revision would hold the run for ever. */
function asGlob(path: string): readonly string[] {
  const glob = path.replace(/[\\*?[\]{}()!+@|]/g, '\\$&');
  return glob.length <= maximumGlobLength ? [glob] : [];
}
