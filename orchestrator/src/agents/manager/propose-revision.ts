import type { AppError, Feedback, PlanRevision, Result, Task } from '@agentcompany/protocol';
import { failure, success } from '@agentcompany/protocol';
import { currentPlan } from '../../company/current-plan.ts';
import { freeId } from '../../company/free-id.ts';
import type { Run, TaskRecord } from '../../company/records.ts';
import { findRevisionProblem, hasNotStarted, revisedPlan } from '../../company/revision-check.ts';
import { planHash } from './plan-hash.ts';

/** What is to take a failing task's place. */
export interface Proposal {
  readonly task: TaskRecord;
  /** One for a task that is revised, several for one that is split; dependencies may name each other. */
  readonly parts: readonly Task[];
  readonly reason: string;
  /** What failed: the parts' first attempts are told. */
  readonly feedback: Feedback;
}

/**
 * The revision of the plan that puts new tasks in the place of one that fails: named by us, whoever waited for it waits for all of them.
 * What a person asked to hold for the task holds for the last of them. Errors: those of `findRevisionProblem`.
 */
export function proposeRevision(run: Run, proposal: Proposal): Result<PlanRevision> {
  const { task, reason, feedback } = proposal;
  const names = namesOf(run, proposal);
  const add = keepConditions(
    run,
    task,
    proposal.parts.map((part) => renamed(part, names)),
  );
  const [last] = add.slice(-1);
  const ids = add.map(({ id }) => id);
  const draft: PlanRevision = {
    revision: run.revision + 1,
    reason,
    by: 'manager',
    add,
    change: add.length > 1 ? waitingForAll(run, task.spec.id, ids) : [],
    supersede: last === undefined ? [] : [{ task_id: task.spec.id, by: last.id }],
    feedback,
  };
  const problem: AppError | null = findRevisionProblem(run, draft);
  if (problem !== null) return failure(problem);
  const plan = revisedPlan(run, draft);
  return success(plan === null ? draft : { ...draft, hash: planHash(plan) });
}

/** The name each part has in the run, by the one it was given: a model does not know which are free. */
function namesOf(run: Run, { task, parts }: Proposal): ReadonlyMap<string, string> {
  const root = task.spec.id.replace(/-revised(-\d+)?$/, '').slice(0, 40);
  const taken = new Map(run.tasks);
  const names = new Map<string, string>();
  for (const { id } of parts) {
    const wanted = parts.length === 1 ? `${root}-revised` : id.slice(0, 55);
    const free = freeId({ tasks: taken }, wanted);
    taken.set(free, task);
    names.set(id, free);
  }
  return names;
}

function renamed(part: Task, names: ReadonlyMap<string, string>): Task {
  const rename = (id: string): string => names.get(id) ?? id;
  return { ...part, id: rename(part.id), depends_on: [...new Set(part.depends_on.map(rename))] };
}

/** In a plan that a person wrote, what must hold and which checks must pass is theirs to say: the last part comes after the others, and keeps it. */
function keepConditions(run: Run, { spec }: TaskRecord, parts: readonly Task[]): Task[] {
  const others = parts.slice(0, -1);
  const last = parts.at(-1);
  if (last === undefined || !run.isPlanGiven) return [...parts];
  const kept: Task = {
    ...last,
    depends_on: [...new Set([...last.depends_on, ...others.map(({ id }) => id)])],
    acceptance: [...new Set([...spec.acceptance, ...last.acceptance])].slice(0, 50),
    verify: [...new Set([...spec.verify, ...last.verify])].slice(0, 20),
  };
  return [...others, kept];
}

/** Those that wait for the failing task and have not started, waiting for every part. */
function waitingForAll(run: Run, id: string, parts: readonly string[]): Task[] {
  const waiting = currentPlan(run)?.tasks.filter(({ depends_on }) => depends_on.includes(id)) ?? [];
  return waiting.flatMap((spec) => {
    const record = run.tasks.get(spec.id);
    if (record === undefined || !hasNotStarted(record)) return [];
    return [{ ...spec, depends_on: [...new Set([...spec.depends_on.filter((other) => other !== id), ...parts])] }];
  });
}
