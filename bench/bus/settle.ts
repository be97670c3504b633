import { setTimeout as sleep } from 'node:timers/promises';

/** How long a look at the processor lasts, in milliseconds, and the share of it that counts as rest. */
const look = 40;
const rest = 0.1;
/** What is still at work then is measured with it. Milliseconds. */
const limit = 60_000;

/** Waits until this process rests, so that what one side does after its answer (tidying, projections) is not charged to the next. */
export async function settle(): Promise<void> {
  const end = performance.now() + limit;
  while (performance.now() < end) {
    const before = process.cpuUsage();
    await sleep(look);
    const { user, system } = process.cpuUsage(before);
    if (user + system < look * 1000 * rest) return;
  }
}
