import type { RunView } from '@agentcompany/orchestrator';
import { fit } from './clean-text.ts';

/** What people told those who work on tasks, one line a note. */
export function noteLines(run: Pick<RunView, 'task_list'>, width: number): readonly string[] {
  const lines = run.task_list.flatMap(({ task_id, notes, superseded_by }) =>
    // A successor has the notes of the task before it.
    superseded_by === null ? notes.map(({ text, by }) => fit(`note for ${task_id} by ${by}: ${text}`, width)) : [],
  );
  return lines.length === 0 ? [] : ['', ...lines];
}
