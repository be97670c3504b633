import type { RunView, TaskView } from '@agentcompany/orchestrator';
import { cleanLine } from './clean-text.ts';

/** Text of a plan as plain Markdown text: what would format, link or hide is escaped. */
function escape(text: string): string {
  return cleanLine(text).replace(/[\\`*_{}[\]<>()#+!|~-]/g, '\\$&');
}

function section(task: TaskView, parents: ReadonlyMap<string, string>): string {
  const lines = [
    `## ${task.task_id}: ${escape(task.title)}`,
    '',
    `- Parent: ${parents.get(task.task_id) ?? 'the instruction'}`,
    `- Depends on: ${task.depends_on.length === 0 ? 'nothing' : task.depends_on.join(', ')}`,
    `- State: ${task.state.replaceAll('_', ' ')}`,
  ];
  if (task.superseded_by !== null) lines.push(`- Superseded by: ${task.superseded_by}`);
  if (task.error !== null) lines.push(`- Error: ${task.error.code}: ${escape(task.error.message)}`);
  return lines.join('\n');
}

/** A run's plan as Markdown: one section per task with parent, dependencies and state (C13). The parent is the task it took the place of. */
export function planMarkdown(run: RunView): string {
  const parents = new Map(
    run.task_list.flatMap((task) => (task.superseded_by === null ? [] : [[task.superseded_by, task.task_id] as const])),
  );
  const head = [`# ${escape(run.title)}`, '', `Run ${run.run_id}, ${run.state.replaceAll('_', ' ')}.`].join('\n');
  return [head, ...run.task_list.map((task) => section(task, parents))].join('\n\n');
}
