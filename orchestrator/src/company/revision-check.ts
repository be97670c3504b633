import type { AppError, Plan, PlanRevision, Task } from '@agentcompany/protocol';
import { currentPlan, latest, withDependencies } from './current-plan.ts';
import { companyErrors } from './errors.ts';
import { findPlanProblem } from './plan-check.ts';
import type { Run, TaskRecord } from './records.ts';
import type { RunState } from './states.ts';

/** Where a run's plan may be changed: before its tasks are joined and published. */
const revisable: ReadonlySet<RunState> = new Set(['planning', 'awaiting_approval', 'running']);

/** Whether nothing was done for the task yet: then it may be changed as it is. */
export function hasNotStarted({ state, rounds }: TaskRecord): boolean {
  return state === 'pending' || state === 'blocked' || (state === 'ready' && rounds === 0);
}

/** Why a run's plan cannot be changed at present, in words; null: it can. */
function whyNotNow(run: Run): string | null {
  if (run.plan === null) return 'it has none yet';
  const stage = run.state === 'paused' || run.state === 'needs_attention' ? run.returnsTo : run.state;
  return revisable.has(stage) ? null : `the run is ${stage.replaceAll('_', ' ')}`;
}

/**
 * What keeps a revision that somebody asks for from being taken, or null: it is taken whole or not at all. Pure, and the fold's own rule:
 * what it lets pass the fold takes, as long as the stream has not moved. Errors: `AC_REVISION_UNTIMELY`, `AC_REVISION_EMPTY`,
 * `AC_REVISION_NAME_TAKEN`, `AC_REVISION_TASK_UNKNOWN`, `AC_REVISION_STARTED`, `AC_REVISION_ENDED`, `AC_REVISION_MERGING`, and of the plan
 * that comes out `AC_PLAN_INVALID`, `AC_PLAN_EMPTY`, `AC_PLAN_UNKNOWN_DEPENDENCY`, `AC_PLAN_CYCLE`.
 */
export function findRevisionProblem(run: Run, revision: PlanRevision): AppError | null {
  const why = revision.revision === run.revision + 1 ? whyNotNow(run) : 'it was changed meanwhile';
  if (why !== null) return companyErrors.AC_REVISION_UNTIMELY({ run: run.id, why });
  const { add, change = [], remove = [], supersede } = revision;
  const isEmpty = add.length + change.length + remove.length + supersede.length === 0;
  if (isEmpty && revision.plan === undefined) return companyErrors.AC_REVISION_EMPTY({ run: run.id });
  const named = findNameProblem(run, revision);
  if (named !== null) return named;
  const plan = revisedPlan(run, revision);
  return plan === null ? null : (findPlanProblem(plan)?.error('') ?? null);
}

function findNameProblem(run: Run, { add, change = [], remove = [], supersede }: PlanRevision): AppError | null {
  const added = new Set<string>();
  for (const { id } of add) {
    if (added.has(id) || run.tasks.has(id)) return companyErrors.AC_REVISION_NAME_TAKEN({ task: id });
    added.add(id);
  }
  const touched = new Set<string>();
  const retired = [...supersede.map(({ task_id }) => task_id), ...remove];
  for (const id of [...change.map((spec) => spec.id), ...retired]) {
    const task = run.tasks.get(id);
    if (task === undefined || touched.has(id)) return companyErrors.AC_REVISION_TASK_UNKNOWN({ task: id });
    touched.add(id);
  }
  const stranger = supersede.find(({ by }) => !added.has(by));
  if (stranger !== undefined) return companyErrors.AC_REVISION_TASK_UNKNOWN({ task: stranger.by });
  const started = change.find(({ id }) => {
    const task = run.tasks.get(id);
    return task !== undefined && !hasNotStarted(task);
  });
  if (started !== undefined) return companyErrors.AC_REVISION_STARTED({ task: started.id });
  return retired.map((id) => findRetirementProblem(run, id)).find((error) => error !== null) ?? null;
}

/** What is merged stays merged; what is being merged cannot be called back. */
function findRetirementProblem(run: Run, id: string): AppError | null {
  const task = run.tasks.get(id);
  if (task === undefined) return companyErrors.AC_REVISION_TASK_UNKNOWN({ task: id });
  const { state, conflicts } = task;
  if (state === 'merged' || state === 'cancelled' || state === 'cancelling')
    return companyErrors.AC_REVISION_ENDED({ task: id, state });
  const isMerging = state === 'approved' || (state === 'merging' && conflicts === null);
  return isMerging ? companyErrors.AC_REVISION_MERGING({ task: id }) : null;
}

/** The whole plan as it is once the revision is taken; null before the run has one. */
export function revisedPlan(run: Run, { add, change = [], remove = [], supersede, plan }: PlanRevision): Plan | null {
  const current = currentPlan(run);
  if (current === null) return null;
  const changed = new Map(change.map((spec) => [spec.id, spec]));
  const successors = new Map(supersede.map(({ task_id: id, by }) => [id, by]));
  const gone = new Set([...remove, ...successors.keys()]);
  const rename = (id: string): string => {
    const task = run.tasks.get(id);
    const now = task === undefined ? id : latest(run, task).spec.id;
    return successors.get(now) ?? now;
  };
  const kept = current.tasks.filter(({ id }) => !gone.has(id)).map((spec): Task => changed.get(spec.id) ?? spec);
  const tasks = [...kept, ...add].map((spec) => withDependencies(spec, rename));
  return { ...current, ...plan, tasks };
}
