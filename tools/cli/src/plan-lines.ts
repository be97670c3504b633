import type { Plan } from '@agentcompany/protocol';
import { cleanLine } from './terminal/clean-text.ts';
import { renderTable } from './terminal/table.ts';

/** A plan for people: its title, and its tasks with what they wait for. */
export function planLines(plan: Plan, width: number): readonly string[] {
  const hasAgents = plan.tasks.some(({ agent }) => agent !== 'command');
  const columns = [
    { title: 'TASK', value: (task: Plan['tasks'][number]) => task.id },
    { title: 'AFTER', value: (task: Plan['tasks'][number]) => task.depends_on.join(' ') || '-' },
    ...(hasAgents ? [{ title: 'AGENT', value: (task: Plan['tasks'][number]) => task.agent }] : []),
    { title: 'TITLE', value: (task: Plan['tasks'][number]) => task.title, elastic: true },
  ];
  return [cleanLine(plan.title), '', ...renderTable(plan.tasks, columns, width)];
}
