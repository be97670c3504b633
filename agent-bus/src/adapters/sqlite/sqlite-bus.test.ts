import { join } from 'node:path';
import Database from 'better-sqlite3';
import { describe, it, vi } from 'vitest';
import { busContract, busUnreadableContract, createFolderStore } from '../../testing/index.ts';

// Payloads of 16 MiB and fsyncs of a loaded machine.
vi.setConfig({ testTimeout: 60_000 });

describe('the bus contract on SQLite', () => {
  busContract({
    it,
    create: () => createFolderStore('sqlite'),
    capabilities: { fifo: true, crossMachine: false, maxPayloadBytes: 16 * 1024 * 1024, latencyClass: 'host' },
  });
  busUnreadableContract({
    it,
    create: () => createFolderStore('sqlite'),
    spoil: async ({ place }, id, text) => {
      const database = new Database(join(String(place.options['folder']), 'bus.db'));
      database.prepare('UPDATE messages SET envelope = ? WHERE id = ?').run(text, id);
      database.close();
    },
  });
});
