import { mkdtempSync, rmSync, utimesSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Wakeups } from './wakeups.ts';

/** Wake-ups of a store to which `commitElsewhere` does what another process does: it commits, then it rings. */
function openWakeups() {
  const folder = mkdtempSync(join(tmpdir(), 'agentcompany-wakeups-'));
  const bell = join(folder, 'bell');
  let [commits, asked] = [0, 0];
  const wakeups = new Wakeups(bell, () => {
    const changed = commits !== asked;
    asked = commits;
    return changed;
  });
  onTestFinished(() => {
    wakeups.close();
    rmSync(folder, { recursive: true });
  });
  const ring = (): void => utimesSync(bell, new Date(), new Date());
  const commit = (): void => void (commits += 1);
  return { wakeups, ring, commit };
}

/** Far less than the re-check, which would wake in any case. */
async function isWokenSoon(waited: Promise<void>): Promise<boolean> {
  const begun = performance.now();
  await waited;
  return performance.now() - begun < 700;
}

const wait = (wakeups: Wakeups): Promise<void> => wakeups.wait('queue', wakeups.generation, Infinity, undefined);

describe('wake-ups', () => {
  it('come when another process has committed', async () => {
    const { wakeups, ring, commit } = openWakeups();
    const waited = wait(wakeups);
    commit();
    ring();
    expect(await isWokenSoon(waited)).toBe(true);
  });

  it('come again after a time in which nobody waited and the watch had ended', async () => {
    const { wakeups, ring, commit } = openWakeups();
    for (let round = 0; round < 3; round += 1) {
      const waited = wait(wakeups);
      commit();
      ring();
      expect(await isWokenSoon(waited)).toBe(true);
      for (let own = 0; own < 3; own += 1) {
        wakeups.mark('another queue');
        wakeups.ring();
        await new Promise((resolve) => setImmediate(resolve));
      }
    }
  });

  it('tell of a commit between the look and the wait, though its bell was rung before anyone watched', async () => {
    const { wakeups, ring, commit } = openWakeups();
    const seen = wakeups.generation;
    commit();
    ring();
    expect(await isWokenSoon(wakeups.wait('queue', seen, Infinity, undefined))).toBe(true);
  });

  it('do not come for a bell of our own', async () => {
    const { wakeups } = openWakeups();
    const waited = wait(wakeups);
    wakeups.mark('another queue');
    wakeups.ring();
    expect(await isWokenSoon(waited)).toBe(false);
  });
});
