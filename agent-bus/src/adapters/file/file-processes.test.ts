import { describe, it, vi } from 'vitest';
import { busProcessContract, createFolderStore } from '../../testing/index.ts';

vi.setConfig({ testTimeout: 240_000 });

describe('several processes on one file bus', () => {
  busProcessContract({ it, create: () => createFolderStore('file') });
});
