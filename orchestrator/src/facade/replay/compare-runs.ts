import type { Run, TaskRecord } from '../../company/records.ts';

/** One thing that a run came to, both times. */
export interface ComparedFact {
  /** `plan`, `revision <number>`, `note <number> to <task>`, `resume <number>`, `task <id>`, `result`, `run`. */
  readonly what: string;
  readonly recorded: string;
  readonly replayed: string;
  readonly same: boolean;
}

/** A run and the tree of its branch's tip; null where it has none. */
export interface ComparedRun {
  readonly run: Run;
  readonly tree: string | null;
}

/** What a person does with a pull request afterwards is no part of the course of a run. */
function endOf({ state }: Run): string {
  return state === 'completed' ? 'published' : state;
}

/** The judgements of a task's results, in order, and how it ended. Attempts that were lost have none: they count for nothing. */
function courseOf(run: Run, task: TaskRecord | undefined): string {
  if (task === undefined) return 'absent';
  const verdicts = [...run.attempts.values()]
    .filter(({ taskId }) => taskId === task.spec.id)
    .flatMap(({ review }) => (review === null ? [] : [review.verdict.replaceAll('_', ' ')]));
  return [...verdicts, task.state.replaceAll('_', ' ')].join(', ');
}

/** Compares two courses of one run: its plan, each task's verdicts and end, the tree that came out, how the run ended. Pure. */
export function compareRuns(recorded: ComparedRun, replayed: ComparedRun): readonly ComparedFact[] {
  const fact = (what: string, say: (side: ComparedRun) => string): ComparedFact => {
    const [one, other] = [say(recorded), say(replayed)];
    return { what, recorded: one, replayed: other, same: one === other };
  };
  const tasks = new Set([...recorded.run.tasks.keys(), ...replayed.run.tasks.keys()]);
  return [
    fact('plan', ({ run }) => run.planHash ?? 'none'),
    ...[...tasks].map((id) => fact(`task ${id}`, ({ run }) => courseOf(run, run.tasks.get(id)))),
    fact('result', ({ tree }) => tree ?? 'none'),
    fact('run', ({ run }) => endOf(run)),
  ];
}
