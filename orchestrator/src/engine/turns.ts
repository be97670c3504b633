import type { Run } from '../company/records.ts';

/** Milliseconds until work that is held back is looked at again. */
export const turnRecheckMs = 100;

/**
 * Says whose turn it is where the order of independent work matters: a run that is carried out again keeps to the order of the first time.
 * Asked with the run folded to its end, again and again until it is answered yes.
 */
export interface Turns {
  /** Whether an attempt of this task's round may take its base now. */
  mayStart(run: Run, taskId: string, round: number): boolean;
  /** Whether the task's result may be joined now. */
  mayMerge(run: Run, taskId: string): boolean;
  /** Whether what the task is at may come to its end, or be judged, now. */
  mayGoOn(run: Run, step: HeldStep, taskId: string): boolean;
}

/** What may have to wait for a person who acted before it the first time. */
export type HeldStep = 'finish' | 'review' | 'triage';
