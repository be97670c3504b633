import type { OpenBusOptions } from './bus-options.ts';
import { bootId, unknownBoot } from './file-system.ts';

/**
 * A name for where a store ends, told without opening it: two calls that answer the same were made of the same entries and the same streams,
 * and what was acknowledged before a call is in its answer. Names of another boot are never given again, as what a process wrote without
 * syncing it may be lost between them. Null where nothing can be said so cheaply: Redis, a store that is not there or not as it was left.
 */
export async function storeEnd(options: OpenBusOptions): Promise<string | null> {
  const boot = bootId();
  if (options.adapter === 'redis' || boot === unknownBoot) return null;
  const end =
    options.adapter === 'file'
      ? (await import('./adapters/file/journal-end.ts')).journalEnd(options.folder)
      : (await import('./adapters/sqlite/database-end.ts')).databaseEnd(options.folder);
  return end === null ? null : `${boot} ${end}`;
}
