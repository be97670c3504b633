import type { AgentBus, Delivery } from '@agentcompany/agent-bus';
import { failure, unwrap } from '@agentcompany/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { errorOf } from '../company/testing/fixtures.ts';
import { keepingLease } from './keeping-lease.ts';
import { altered, envelopeTo, ledgerOnDisk, submit, type LedgerOnDisk } from './testing/ledger-on-disk.ts';

let ledger: LedgerOnDisk;
let bus: AgentBus;
beforeEach(async () => {
  ledger = await ledgerOnDisk();
  bus = await ledger.open();
});
afterEach(() => ledger.remove());

async function received(leaseMs: number): Promise<Delivery> {
  const runId = await submit(bus, null);
  unwrap(await bus.send([{ envelope: envelopeTo(runId, 'task_note', {}, { recipient: 'merger' }) }]));
  const [delivery] = unwrap(await bus.receive('merger', { max: 1, waitMs: 0, leaseMs }));
  if (delivery === undefined) throw new Error('nothing received');
  return delivery;
}

const untilLost = (lost: AbortSignal): Promise<void> =>
  new Promise((resolve) => lost.addEventListener('abort', () => resolve()));

describe('a lease that is kept', () => {
  it('is prolonged each third of its time while the work runs', async () => {
    const delivery = await received(60_000);
    const { promise: extended, resolve: enough } = Promise.withResolvers<void>();
    const extensions: number[] = [];
    const watched = altered(bus, {
      extend: async (...parameters) => {
        // What is asked for is short; what is given outlasts a busy machine.
        const result = await bus.extend(parameters[0], 60_000);
        if (extensions.push(parameters[1]) === 6) enough();
        return result;
      },
    });
    const isLost = await keepingLease({ bus: watched, leaseMs: 60, log: () => undefined }, delivery, async (lease) => {
      await extended;
      return lease.lost.aborted;
    });
    expect([isLost, new Set(extensions)]).toStrictEqual([false, new Set([60])]);
    expect((await bus.complete(delivery, [])).ok).toBe(true);
  });

  it('is lost as soon as somebody else holds it', async () => {
    const delivery = { ...(await received(60_000)), token: 'another' };
    const events: string[] = [];
    await keepingLease({ bus, leaseMs: 60, log: (event) => events.push(event) }, delivery, ({ lost }) =>
      untilLost(lost),
    );
    expect(events).toStrictEqual(['lease-lost']);
  });

  it('is lost by the clock of its holder, before its time, when the bus cannot be reached', async () => {
    const delivery = await received(2000);
    const begun = performance.now();
    const cut = altered(bus, { extend: () => new Promise(() => undefined) });
    await keepingLease({ bus: cut, leaseMs: 2000, log: () => undefined }, delivery, ({ lost }) => untilLost(lost));
    expect(performance.now() - begun).toBeLessThan(2000);
    expect(unwrap(await bus.receive('merger', { max: 1, waitMs: 0, leaseMs: 500 }))).toStrictEqual([]);
  });

  it('outlives failures that pass', async () => {
    const delivery = await received(60_000);
    let calls = 0;
    const { promise: again, resolve } = Promise.withResolvers<void>();
    const shaky = altered(bus, {
      extend: async (...parameters) => {
        calls += 1;
        if (calls % 2 === 1) return failure(errorOf('AC_BUS_BUSY', 'later'));
        const extended = await bus.extend(parameters[0], 60_000);
        if (calls >= 4) resolve();
        return extended;
      },
    });
    const isLost = await keepingLease({ bus: shaky, leaseMs: 60, log: () => undefined }, delivery, async (lease) => {
      await again;
      return lease.lost.aborted;
    });
    expect(isLost).toBe(false);
  });

  it('says nothing more once its delivery has an end', async () => {
    const delivery = await received(60_000);
    const events: string[] = [];
    const lasting = altered(bus, { extend: (held) => bus.extend(held, 60_000) });
    await keepingLease({ bus: lasting, leaseMs: 60, log: (event) => events.push(event) }, delivery, async (lease) => {
      unwrap(await bus.complete(delivery, []));
      lease.settle();
      await new Promise((resolve) => setTimeout(resolve, 150));
      expect(lease.lost.aborted).toBe(false);
    });
    expect(events).toStrictEqual([]);
  });
});
