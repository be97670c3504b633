import type { Command } from 'commander';
import type { Session } from '../session.ts';
import { addDeadLetters, addPurge, addRequeue } from './bus-dead-letters.ts';
import { addHistory } from './bus-history.ts';
import { addExport, addImport } from './bus-moving.ts';
import { addStats, addTail } from './bus-reading.ts';

/** `bus`: looks into the message store, and keeps it in order. */
export function addBus(program: Command, session: Session): void {
  const bus = program
    .command('bus')
    .summary('look into the message store, keep it in order')
    .description('Looks into the message store, and keeps it in order. Works beside an engine, but for `import`.');
  for (const add of [addStats, addTail, addHistory, addDeadLetters, addRequeue, addPurge, addExport, addImport])
    add(bus, session);
}
