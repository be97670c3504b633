import { describe, it, vi } from 'vitest';
import { busContract, createFolderStore } from '../../testing/index.ts';

// Payloads of 16 MiB and fsyncs of a loaded machine.
vi.setConfig({ testTimeout: 60_000 });

describe('the bus contract on files', () => {
  busContract({
    it,
    create: () => createFolderStore('file'),
    capabilities: { fifo: true, crossMachine: false, maxPayloadBytes: 16 * 1024 * 1024, latencyClass: 'host' },
  });
});
