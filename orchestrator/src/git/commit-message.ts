import { plainTitle } from '../text/plain-title.ts';

/** The message of a task's commit; the trailer ties it to its attempt. */
export function attemptMessage(title: string, attemptId: string): string {
  return `${plainTitle(title)}\n\nAttempt: ${attemptId}\n`;
}

/** The message of the merge of a task's commit into its run. */
export function mergeMessage(title: string, attemptId: string): string {
  return `Merge: ${plainTitle(title)}\n\nAttempt: ${attemptId}\n`;
}
