import type { PlanRevision } from '@agentcompany/protocol';
import { addTask, noteDependencies, type NewTask } from './add-task.ts';
import { closeApproval } from './approvals.ts';
import { isAtWork } from './at-work.ts';
import { moveTask } from './moves.ts';
import type { Run, TaskRecord } from './records.ts';
import { findRevisionProblem } from './revision-check.ts';
import { stageOf } from './stage.ts';
import type { TaskState } from './states.ts';
import { taskTable } from './task-table.ts';
import { nextState } from './transitions.ts';

/** Takes a revision of the plan whole, or refuses it whole. One that somebody asked for may have to be approved (`whenRunning`). */
export function takeRevision(run: Run, revision: PlanRevision): boolean {
  if (run.plan === null || revision.revision !== run.revision + 1) return false;
  const isWanted = revision.by !== undefined;
  if (isWanted ? findRevisionProblem(run, revision) !== null : !isPossible(run, revision)) return false;
  run.revision = revision.revision;
  const inherited = retire(run, revision);
  const { change = [], agents = [], plan, hash } = revision;
  if (isWanted) run.settings = { ...run.settings, agents: [...run.settings.agents, ...agents] };
  else if (revision.supersede.length === 0) run.reopenings += 1;
  run.plan = { ...run.plan, ...plan };
  run.planHash = hash ?? run.planHash;
  for (const spec of revision.add) addTask(run, { spec, feedback: revision.feedback, ...inherited.get(spec.id) });
  for (const spec of change) changeTask(run, spec);
  wakeDependants(run, revision);
  if (isWanted) askAgain(run);
  return true;
}

/** A revision of the company's own: new names, known dependencies, and for each superseded task one that it adds. */
function isPossible(run: Run, { add, supersede }: PlanRevision): boolean {
  const added = new Set(add.map(({ id }) => id));
  const superseded = new Set(supersede.map(({ task_id: id }) => id));
  if (added.size !== add.length || superseded.size !== supersede.length) return false;
  if (add.some((spec) => run.tasks.has(spec.id) || spec.depends_on.some((id) => !run.tasks.has(id)))) return false;
  return supersede.every(({ task_id: id, by }) => {
    const task = run.tasks.get(id);
    return task !== undefined && added.has(by) && canRetire(run, task);
  });
}

function canRetire(run: Run, task: TaskRecord): boolean {
  return nextState(taskTable, task.state, 'plan_revision', retiredState(run, task)) !== null;
}

/** A host that is at work on it has to let go first. */
function retiredState(run: Run, task: TaskRecord): TaskState {
  return isAtWork(run, task) ? 'cancelling' : 'cancelled';
}

/** Cancels what is superseded or removed; gives what each successor has of the task before it. */
function retire(run: Run, { by, supersede, remove = [] }: PlanRevision): ReadonlyMap<string, Omit<NewTask, 'spec'>> {
  const inherited = new Map<string, Omit<NewTask, 'spec'>>();
  for (const { task_id: id, by: successor } of [...supersede, ...remove.map((task_id) => ({ task_id, by: null }))]) {
    const task = run.tasks.get(id);
    if (task === undefined) continue;
    moveTask(run, task, 'plan_revision', retiredState(run, task));
    closeApproval(run, task.approvalId);
    task.approvalId = null;
    task.supersededBy = successor;
    if (successor === null) continue;
    const conflictRounds = by === undefined ? task.conflictRounds + 1 : task.conflictRounds;
    inherited.set(successor, { conflictRounds, triages: by === 'manager' ? task.triages : 0, notes: task.notes });
  }
  return inherited;
}

function changeTask(run: Run, spec: PlanRevision['add'][number]): void {
  const task = run.tasks.get(spec.id);
  if (task === undefined) return;
  for (const dependency of task.spec.depends_on) {
    const others = run.dependants.get(dependency)?.filter((id) => id !== spec.id) ?? [];
    run.dependants.set(dependency, others);
  }
  task.spec = spec;
  task.revision = run.revision;
  noteDependencies(run, spec);
  run.agenda.add(spec.id);
}

/** Whoever waits for a superseded task now waits for its successor; what was blocked may have a way again. */
function wakeDependants(run: Run, { supersede }: PlanRevision): void {
  for (const { task_id: id, by } of supersede) {
    for (const dependant of run.dependants.get(id) ?? []) {
      run.dependants.set(by, [...(run.dependants.get(by) ?? []), dependant]);
      run.agenda.add(dependant);
    }
  }
  for (const [id, task] of run.tasks) {
    if (task.state === 'blocked') moveTask(run, task, 'plan_revision', 'pending');
    // A conflict that was held back, so that two revisions never claim one number, is decided now; a proposal that came too late as well.
    if (task.conflicts !== null || task.triage !== null) run.agenda.add(id);
  }
}

/** What was approved was the plan before: where the policy wants it, nothing new begins until this one is. */
function askAgain(run: Run): void {
  closeApproval(run, run.planApprovalId);
  if (run.settings.approvals.plan === 'person' && stageOf(run) !== 'planning' && stageOf(run) !== 'awaiting_approval')
    run.revisionUnapproved = true;
}
