import type { Plan, PlanRevision, Task } from '@agentcompany/protocol';
import { currentPlan, latest, withDependencies } from './current-plan.ts';
import { freeId } from './free-id.ts';
import type { Run, TaskRecord } from './records.ts';
import { hasNotStarted } from './revision-check.ts';

type Difference = Pick<PlanRevision, 'add' | 'supersede' | 'plan'> & { change: Task[]; remove: string[] };

/**
 * What a revision has to do so that the run's plan becomes `wanted`, which is a whole plan: tasks it has not named are added, those it
 * leaves out removed, those that differ changed where nothing was done for them, else superseded by a new one. A name of a task that was
 * superseded means its successor. What is merged stays, named or not.
 */
export function differenceOf(run: Run, wanted: Plan): Difference {
  const now = (id: string): string => {
    const task = run.tasks.get(id);
    return task === undefined ? id : latest(run, task).spec.id;
  };
  const difference: Difference = { add: [], change: [], remove: [], supersede: [] };
  const named = new Set<string>();
  for (const spec of wanted.tasks) {
    const task = run.tasks.get(now(spec.id));
    // What was removed does not come back under its name: the check of the revision says so.
    if (task === undefined || task.state === 'cancelled') difference.add.push(spec);
    else {
      named.add(task.spec.id);
      if (!isAsWanted(run, task, spec, now)) differ(run, difference, task, spec);
    }
  }
  const left = currentPlan(run)?.tasks.filter(({ id }) => !named.has(id)) ?? [];
  difference.remove.push(...left.filter(({ id }) => run.tasks.get(id)?.state !== 'merged').map(({ id }) => id));
  return { ...difference, ...wholeOf(run, wanted) };
}

/** As it is, or as it was before the company itself put another in its place. */
function isAsWanted(run: Run, task: TaskRecord, wanted: Task, now: (id: string) => string): boolean {
  const original = run.tasks.get(wanted.id);
  const known = [task, ...(original === undefined ? [] : [original])];
  return known.some(
    ({ spec }) =>
      textOf({ ...withDependencies(spec, now), id: '' }) === textOf({ ...withDependencies(wanted, now), id: '' }),
  );
}

function differ(run: Run, { add, change, supersede }: Difference, task: TaskRecord, wanted: Task): void {
  const { id } = task.spec;
  if (hasNotStarted(task)) return void change.push({ ...wanted, id });
  const names = new Map(run.tasks);
  for (const spec of add) names.set(spec.id, task);
  const successor = freeId({ tasks: names }, `${id.replace(/-v\d+$/, '').slice(0, 55)}-v${versionOf(id) + 1}`);
  add.push({ ...wanted, id: successor });
  supersede.push({ task_id: id, by: successor });
}

function versionOf(id: string): number {
  return Number(/-v(\d{1,4})$/.exec(id)?.[1] ?? '1');
}

/** What the plan says of the whole, where that differs. */
function wholeOf({ plan }: Run, { title, summary, verify }: Plan): Pick<Difference, 'plan'> {
  const whole = { title, summary, verify };
  if (plan === null) return {};
  return textOf(whole) === textOf({ title: plan.title, summary: plan.summary, verify: plan.verify })
    ? {}
    : { plan: whole };
}

/** The same text for the same value, whatever order its fields were given in. */
function textOf(value: object): string {
  return JSON.stringify(value, (_, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).toSorted(([one], [other]) => (one < other ? -1 : 1)))
      : part,
  );
}
