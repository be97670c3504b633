import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { unwrap } from '@agentcompany/protocol';
import { claim, ids, makeEnvelope, makeRun, openInstance, type Contract, type ContractStore } from './support.ts';

const rounds = 20;
/** How long what was closed may take to go away, in milliseconds. */
const settling = 10_000;

interface Holdings {
  readonly descriptors: number;
  /** Kinds of what keeps a process alive, sorted. */
  readonly resources: readonly string[];
}

/** What this process holds open. Descriptors are 0 where the system does not list them. */
async function holdings(): Promise<Holdings> {
  const descriptors = await readdir('/proc/self/fd').catch(() => []);
  const resources = process.getActiveResourcesInfo().filter((kind) => kind !== 'Immediate');
  return { descriptors: descriptors.length, resources: resources.toSorted((left, right) => (left < right ? -1 : 1)) };
}

function exceeds(now: Holdings, before: Holdings): boolean {
  return now.descriptors > before.descriptors || now.resources.length > before.resources.length;
}

/** Opens two instances, uses them, and closes them while calls wait. */
async function openUseClose(store: ContractStore): Promise<void> {
  const [one, two] = [await openInstance(store), await openInstance(store)];
  const watching = (async () => {
    for await (const entry of two.watch({ after: Number.MAX_SAFE_INTEGER, signal: new AbortController().signal }))
      assert.fail(`entry ${entry.position} was not asked for`);
  })();
  const waiting = two.receive('nothing', { max: 1, waitMs: 600_000, leaseMs: 1000 });
  unwrap(await one.send([{ envelope: makeEnvelope() }, { envelope: makeEnvelope(), notBefore: Date.now() + 600_000 }]));
  await claim(two, 'workers');
  await Promise.all([one.close(), two.close()]);
  await Promise.all([watching, waiting]);
}

/** Close gives everything back, and answers everyone (C3). */
export function closingContract(contract: Contract): void {
  contract('C3 closed twenty times it leaves no timer, handle or descriptor behind', async (store) => {
    await openUseClose(store);
    const before = await holdings();
    for (let round = 0; round < rounds; round += 1) await openUseClose(store);
    const deadline = performance.now() + settling;
    let after = await holdings();
    while (exceeds(after, before) && performance.now() < deadline) {
      await new Promise((resolve) => setImmediate(resolve));
      after = await holdings();
    }
    assert.ok(!exceeds(after, before), `before ${JSON.stringify(before)}, after ${JSON.stringify(after)}`);
  });

  contract('C3 answers every call that is in flight at close, and keeps what it acknowledged', async (store) => {
    const bus = await openInstance(store);
    const { run, envelopes } = makeRun(50);
    const calls = envelopes.map((envelope) => bus.send([{ envelope }]));
    const closing = bus.close();
    const results = await Promise.all(calls);
    await closing;
    const kept = new Set(ids(unwrap(await (await openInstance(store)).readStream(run, { after: 0 }))));
    for (const [index, result] of results.entries()) {
      if (result.ok) assert.ok(kept.has(envelopes[index]!.id), `envelope ${index} was acknowledged and is kept`);
      else assert.match(result.error.code, /^AC_BUS_(CLOSED|UNCERTAIN)$/);
    }
  });

  contract('C3 opens again with everything in its place: history, order, timers, dead letters', async (store) => {
    const before = await openInstance(store);
    const { run, envelopes } = makeRun(4);
    for (const [index, envelope] of envelopes.entries())
      unwrap(await before.send([{ envelope, ...(index === 3 ? { notBefore: Date.now() + 600_000 } : {}) }]));
    const [first] = await claim(before, 'workers', 1);
    const error = { code: 'AC_TEST', message: 'no', cause: null, remedy: 'none', retry: 'never' } as const;
    unwrap(await before.reject(first!, error, []));
    const look = async (bus: typeof before) => ({
      all: unwrap(await bus.readAll({ after: 0, limit: 100 })),
      position: unwrap(await bus.lastPosition()),
      streams: unwrap(await bus.streams()),
      version: unwrap(await bus.streamVersion(run)),
      queues: unwrap(await bus.queues()),
      letters: unwrap(await bus.deadLetters()),
    });
    const seen = await look(before);
    await before.close();
    const after = await openInstance(store);
    assert.deepEqual(await look(after), seen);
    assert.deepEqual(ids(await claim(after, 'workers')), [envelopes[1]!.id, envelopes[2]!.id]);
  });
}
