import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { cutPower } from '../../testing/power-cut.ts';

describe.skipIf(spawnSync('strace', ['-V']).status !== 0)('the SQLite bus when the power is cut', () => {
  it('S67 S68 keeps what it acknowledged, whatever of the rest reached the disk', { timeout: 240_000 }, async () => {
    const { cuts } = await cutPower({ adapter: 'sqlite', leaveOut: /\.db-shm$|bus\.reserve/ });
    expect(cuts).toBeGreaterThan(100);
  });
});
