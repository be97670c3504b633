/**
 * The process that starts programs for an engine: small, so that a fork copies little. It loads nothing but what it needs,
 * takes orders as data over its channel to the engine, and lives as long as that channel.
 */
import { runCappedProcess, signalGroup, type ProcessOutcome } from '../capped-process.ts';
import { borrowDescriptors, canBorrowFrom } from './lent-descriptors.ts';
import type { ProgramNews, ProgramOrder } from './program-messages.ts';

/** Milliseconds programs have to clean up (git removes its lock files) once the engine is gone. */
const graceMs = 2000;

const engine = process.ppid;
const groups = new Map<number, number>();
let isOrphan = false;

function tell(news: ProgramNews): void {
  // An engine that is gone is told by the end of the channel.
  process.send?.(news, undefined, {}, () => undefined);
}

async function carryOut({ id, request }: ProgramOrder): Promise<ProcessOutcome> {
  try {
    using lent = borrowDescriptors(request, engine);
    return await runCappedProcess(lent.request, (group) => {
      groups.set(id, group);
      tell({ event: 'started', id, group });
    });
  } catch (problem) {
    // What cannot be asked of the system at all (arguments beyond its limits, a descriptor that is closed) is no reason to end.
    return { end: 'not-started', cause: problem instanceof Error ? problem : new Error(String(problem)) };
  }
}

async function answer(order: ProgramOrder): Promise<void> {
  const outcome = await carryOut(order);
  const group = groups.get(order.id);
  groups.delete(order.id);
  tell({ event: 'ended', id: order.id, outcome });
  if (!isOrphan) return;
  if (group !== undefined) signalGroup(group, 'SIGKILL');
  if (groups.size === 0) process.exit();
}

function endWithEngine(): void {
  isOrphan = true;
  if (groups.size === 0) process.exit();
  for (const group of groups.values()) signalGroup(group, 'SIGTERM');
  setTimeout(() => {
    for (const group of groups.values()) signalGroup(group, 'SIGKILL');
    process.exit();
  }, graceMs);
}

// A signal to all processes of a service stops the engine, which needs git to stop in good order.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);
process.on('message', (order: ProgramOrder) => void answer(order));
process.once('disconnect', endWithEngine);
tell({ event: 'ready', pid: process.pid, readsDescriptors: canBorrowFrom(engine) });
