import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it, vi } from 'vitest';
import { busContract, busUnreadableContract, createFolderStore } from '../../testing/index.ts';

// Payloads of 16 MiB and fsyncs of a loaded machine.
vi.setConfig({ testTimeout: 60_000 });

describe('the bus contract on files', () => {
  busContract({
    it,
    create: () => createFolderStore('file'),
    capabilities: { fifo: true, crossMachine: false, maxPayloadBytes: 16 * 1024 * 1024, latencyClass: 'host' },
  });
  busUnreadableContract({
    it,
    create: () => createFolderStore('file'),
    spoil: async ({ place }, id, text) => {
      const journal = join(String(place.options['folder']), 'journal', '1.log');
      const lines = (await readFile(journal, 'utf8')).split('\n');
      const spoilt = lines.map((line) =>
        isEnvelope(line, id) ? text.padEnd(line.length).slice(0, line.length) : line,
      );
      await writeFile(journal, spoilt.join('\n'));
    },
  });
});

/** Whether a line of the journal is that envelope; the steps' lines begin with their mark. */
function isEnvelope(line: string, id: string): boolean {
  return line.startsWith('{') && line.includes(`"id":"${id}"`);
}
