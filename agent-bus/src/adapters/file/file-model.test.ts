import { describe, it, vi } from 'vitest';
import { busModelContract, createFolderStore, modelOptions } from '../../testing/index.ts';

// A failure is shrunk, which takes many runs more.
vi.setConfig({ testTimeout: 600_000 });

describe('the file bus beside the model of the bus', () => {
  busModelContract({ it, create: () => createFolderStore('file'), ...modelOptions(process.env) });
});
