import type { AgentBus } from '@agentcompany/agent-bus';
import { failure, success, unwrap } from '@agentcompany/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { errorOf } from '../company/testing/fixtures.ts';
import { holdingEngineLease } from './engine-lease.ts';
import { altered, ledgerOnDisk, type LedgerOnDisk } from './testing/ledger-on-disk.ts';

let ledger: LedgerOnDisk;
beforeEach(async () => void (ledger = await ledgerOnDisk()));
afterEach(() => ledger.remove());

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => signal.addEventListener('abort', () => resolve()));

describe('the lease of the engine', () => {
  it('S81 that another one took over ends the work, and says so', async () => {
    const bus = await ledger.open();
    const later = await ledger.open({ ahead: 3_600_000 });
    const worked = await holdingEngineLease(bus, 60, async (lost) => {
      unwrap(await later.acquireLease('engine', 'another', 60_000));
      await aborted(lost);
      return success();
    });
    expect(worked).toMatchObject({ ok: false, error: { code: 'AC_BUS_STALE_LEASE' } });
  });

  it('outlives a store that is busy for a moment, and is given back in the end', async () => {
    const bus = await ledger.open();
    const extended = Promise.withResolvers<void>();
    let times = 0;
    const extendLease: AgentBus['extendLease'] = async (...parameters) => {
      times += 1;
      if (times < 3) return failure(errorOf('AC_BUS_BUSY', 'later'));
      extended.resolve();
      return bus.extendLease(...parameters);
    };
    const worked = await holdingEngineLease(altered(bus, { extendLease }), 3000, async (lost) => {
      await extended.promise;
      return lost.aborted ? failure(errorOf('AC_STOPPED')) : success();
    });
    expect(worked.ok).toBe(true);
    expect(await bus.acquireLease('engine', 'the next', 60_000)).toMatchObject({ ok: true });
  });
});
