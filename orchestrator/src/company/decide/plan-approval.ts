import { currentPlan } from '../current-plan.ts';
import type { Run } from '../records.ts';
import type { Draft } from './draft.ts';
import { approvalRequest } from './review.ts';

/** Tasks that a request names. */
const listed = 100;

/** Asks a person for the plan as it stands; of a changed one, what is new comes first. */
export function askForPlan(run: Run): readonly Draft[] {
  const plan = currentPlan(run);
  if (plan === null) return [];
  const isNew = (id: string): boolean => run.revision > 1 && run.tasks.get(id)?.revision === run.revision;
  const tasks = [...plan.tasks.filter(({ id }) => isNew(id)), ...plan.tasks.filter(({ id }) => !isNew(id))];
  const changed = run.revision > 1 ? `, changed (revision ${run.revision})` : '';
  return approvalRequest(run, `plan/${run.revision}/${run.approvals.size + 1}`, {
    subject: 'plan',
    task_id: null,
    hash: run.planHash ?? '',
    summary: `${plan.title}: ${tasks.length} ${tasks.length === 1 ? 'task' : 'tasks'}${changed}`,
    details: tasks.slice(0, listed).map(({ id, title }) => `${id}: ${title}${isNew(id) ? ' (new or changed)' : ''}`),
  });
}
