import type { Run } from '../records.ts';

/** What the joined result must pass: the project's own checks and the plan's. */
export function verificationCommands(run: Run): readonly string[] {
  return [...new Set([...run.settings.verify, ...(run.plan?.verify ?? [])])];
}
