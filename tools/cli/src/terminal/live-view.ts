import type { RunView, TaskView } from '@agentcompany/orchestrator';
import type { Output } from '../io.ts';
import { shortId } from '../run-outcome.ts';
import { fit } from './clean-text.ts';
import { paintState, type Style } from './style.ts';

/** Prints lines, and below them, on a terminal, what is going on now. */
export interface LiveView {
  line(text: string): void;
  show(run: RunView): void;
  /** Calls `write`, which prints to the same terminal by another way, with the block out of its way. */
  aside(write: () => void): void;
  /** Removes what is below the lines. */
  end(): void;
}

const quietStates = new Set(['pending', 'merged', 'cancelled', 'failed']);
const shownTasks = 8;

function counts(run: RunView): string {
  return Object.entries(run.tasks)
    .filter(([, count]) => count > 0)
    .map(([state, count]) => `${count} ${state.replaceAll('_', ' ')}`)
    .join(', ');
}

function taskLine(task: TaskView, style: Style, width: number): string {
  const state = task.state.replaceAll('_', ' ').padEnd(15);
  return `  ${paintState(style, task.state, state)} ${fit(`${task.task_id}: ${task.title}`, width - 20)}`;
}

/** The lines below the timeline: the run's state, and tasks that are under way. */
export function statusLines(run: RunView, style: Style, width: number): readonly string[] {
  const active = run.task_list.filter((task) => !quietStates.has(task.state));
  const head = fit(`${shortId(run.run_id)} ${run.state.replaceAll('_', ' ')}: ${counts(run) || 'no tasks yet'}`, width);
  const more = active.length > shownTasks ? [`  and ${active.length - shownTasks} more`] : [];
  return [style.strong(head), ...active.slice(0, shownTasks).map((task) => taskLine(task, style, width)), ...more];
}

/** For files and pipes: the lines alone. */
export function plainView(output: Output): LiveView {
  return {
    line: (text) => output.write(`${text}\n`),
    show: () => undefined,
    aside: (write) => write(),
    end: () => undefined,
  };
}

/** For terminals: the block below the lines is erased and drawn again; nothing moves while nothing happens. */
export function terminalView(output: Output, style: Style): LiveView {
  let drawn: readonly string[] = [];
  // From the start of the line: a terminal echoes ^C where the cursor stands.
  const erase = (): string => (drawn.length === 0 ? '' : `\r\u001b[${drawn.length}A\u001b[0J`);
  const block = (): string => drawn.map((line) => `${line}\n`).join('');
  return {
    line: (text) => output.write(`${erase()}${text}\n${block()}`),
    show: (run) => {
      const next = statusLines(run, style, output.columns - 1);
      if (next.join('\n') === drawn.join('\n')) return;
      const before = erase();
      drawn = next;
      output.write(before + block());
    },
    aside: (write) => {
      output.write(erase());
      write();
      output.write(block());
    },
    end: () => {
      output.write(erase());
      drawn = [];
    },
  };
}
