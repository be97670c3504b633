import { writeSync } from 'node:fs';

/**
 * `CRASH_AT=<n>` ends the process with SIGKILL at its n-th durable step, naming the step on standard error (S65): what a
 * power cut or an out-of-memory killer does, at a moment of the tester's choosing. Without a number nothing is counted.
 */
export function crashPoint(setting: string | undefined): (step: string) => void {
  const target = Number(setting ?? Number.NaN);
  if (!Number.isSafeInteger(target) || target < 1) return () => undefined;
  let count = 0;
  return (step) => {
    count += 1;
    if (count !== target) return;
    writeSync(2, `CRASH_AT ${count}: ${step}\n`);
    process.kill(process.pid, 'SIGKILL');
  };
}
