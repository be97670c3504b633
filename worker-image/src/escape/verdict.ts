import { constants } from 'node:os';
import { escapeAttempts, type EscapeAttemptId, type EscapeFinding } from '@agentcompany/protocol';

/** What came of one step of an attempt. */
export interface Trial {
  readonly id: EscapeAttemptId;
  readonly name: string;
  /** How it failed; null: it worked, which is an escape. */
  readonly problem: string | null;
  /** It could not be tried at all; `problem` says why. */
  readonly untried?: true;
}

const errorNames = new Map(Object.entries(constants.errno).map(([name, number]) => [number, name]));

export function errorName(number: number): string {
  return errorNames.get(number) ?? `error ${number}`;
}

/** The name of what a call of Node failed with. */
function problemOf(error: unknown): string {
  if (error instanceof Error && 'info' in error) return problemOf(error.info);
  if (typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'string')
    return error.code;
  return error instanceof Error ? error.message : String(error);
}

/** Tries what throws or rejects when it fails. */
export async function trial(id: EscapeAttemptId, name: string, attempt: () => unknown): Promise<Trial> {
  try {
    await attempt();
    return { id, name, problem: null };
  } catch (error) {
    return { id, name, problem: problemOf(error) };
  }
}

function judge(id: EscapeAttemptId, trials: readonly Trial[]): EscapeFinding {
  const worked = trials.filter(({ problem }) => problem === null).map(({ name }) => name);
  if (worked.length > 0) return { id, outcome: 'escaped', detail: worked.join(', ') };
  const untried = trials.find((each) => each.untried);
  if (untried !== undefined) return { id, outcome: 'untried', detail: untried.problem ?? '' };
  const problems = new Set(trials.map(({ problem }) => problem ?? ''));
  return { id, outcome: 'held', detail: [...problems].toSorted().join(', ') };
}

/** One finding for each attempt that was made, in the order of the list: any step of it that worked is an escape. */
export function judgeAll(trials: readonly Trial[]): readonly EscapeFinding[] {
  return escapeAttempts.flatMap(({ id }) => {
    const own = trials.filter((each) => each.id === id);
    return own.length === 0 ? [] : [judge(id, own)];
  });
}
