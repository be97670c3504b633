import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { cutPower } from '../../testing/power-cut.ts';

/** The lock, the bell, the reserve and what is written for people are made anew. */
const leaveOut = /lock\.db|projections\.db|bus\.bell|reserve|\/queues\/|\/history\//;

describe.skipIf(spawnSync('strace', ['-V']).status !== 0)('the file bus when the power is cut', () => {
  it('S67 S68 keeps what it acknowledged, whatever of the rest reached the disk', { timeout: 240_000 }, async () => {
    const { cuts } = await cutPower({ adapter: 'file', leaveOut });
    expect(cuts).toBeGreaterThan(30);
  });
});
