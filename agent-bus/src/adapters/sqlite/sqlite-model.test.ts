import { describe, it, vi } from 'vitest';
import { busModelContract, createFolderStore, modelOptions } from '../../testing/index.ts';

// A failure is shrunk, which takes many runs more.
vi.setConfig({ testTimeout: 600_000 });

describe('SQLite beside the model of the bus', () => {
  busModelContract({ it, create: () => createFolderStore('sqlite'), ...modelOptions(process.env) });
});
