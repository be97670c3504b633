import type { AgentBus } from '@agentcompany/agent-bus';
import { newId, success, unwrap, type AppError, type Result } from '@agentcompany/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { message, type Draft } from '../company/decide/draft.ts';
import { errorOf } from '../company/testing/fixtures.ts';
import { consume, type Handle } from './consumer.ts';
import { RunFolds } from './run-folds.ts';
import { altered, envelopeTo, ledgerOnDisk, submit, typesOf, type LedgerOnDisk } from './testing/ledger-on-disk.ts';

let ledger: LedgerOnDisk;
beforeEach(async () => void (ledger = await ledgerOnDisk()));
afterEach(() => ledger.remove());

const leaseMs = 60_000;
const silent = (): undefined => undefined;
const wrong = async (error: AppError): Promise<Result<never>> => ({ ok: false, error });

/** Runs one consumer of queue `merger` until its queue holds nothing more that is due. */
async function consumeAll(bus: AgentBus, handle: Handle, atOnce = 1): Promise<readonly string[]> {
  const stop = new AbortController();
  const events: string[] = [];
  const receive: AgentBus['receive'] = async (queue, options) => {
    const received = await bus.receive(queue, { ...options, waitMs: 0 });
    if (received.ok && received.value.length === 0) stop.abort();
    return received;
  };
  const options = {
    folds: new RunFolds(bus),
    queue: 'merger',
    atOnce,
    leaseMs,
    signal: stop.signal,
    log: (event: string) => void events.push(event),
  };
  unwrap(await consume({ ...options, bus: altered(bus, { receive }), handle }));
  return events;
}

async function ask(bus: AgentBus, runId: string): Promise<string> {
  const request = envelopeTo(
    runId,
    'merge_request',
    { attempt_id: 'a', commit: 'c', tree: 't', title: 'x' },
    { recipient: 'merger' },
  );
  unwrap(await bus.send([{ envelope: request }]));
  return request.id;
}

const note: Draft = message('task_note', 'engine', { note: 'done', by: 'me' });

describe('a consumer', () => {
  it('answers in the step that ends the delivery, in reply and under its own name', async () => {
    const bus = await ledger.open();
    const runId = await submit(bus, null);
    const requestId = await ask(bus, runId);
    await consumeAll(bus, async (run) => (expect(run.id).toBe(runId), success([note])));
    const [, , answer] = unwrap(await bus.readStream(runId, { after: 0 }));
    expect(answer?.envelope).toMatchObject({ envelope_type: 'task_note', sender: 'merger', inReplyTo: requestId });
    expect(unwrap(await bus.queues()).find(({ queue }) => queue === 'merger')).toMatchObject({ waiting: 0, leased: 0 });
  });

  it('P10 handles side by side what waits, as many as it was told, and each once', async () => {
    const bus = await ledger.open();
    const runId = await submit(bus, null);
    for (let asked = 0; asked < 5; asked += 1) await ask(bus, runId);
    let [begun, together] = [0, 0];
    const waits: (() => void)[] = [];
    await consumeAll(
      bus,
      async () => {
        begun += 1;
        const { promise, resolve } = Promise.withResolvers<undefined>();
        waits.push(() => resolve(undefined));
        // Whoever completes a group of three, or is the last of all, lets all of them go on.
        if (waits.length === 3 || begun === 5) {
          together = Math.max(together, waits.length);
          for (const goOn of waits.splice(0)) goOn();
        }
        await promise;
        return success([note]);
      },
      3,
    );
    expect([begun, together]).toStrictEqual([5, 3]);
    expect((await typesOf(bus, runId)).filter((type) => type === 'task_note')).toHaveLength(5);
    expect(unwrap(await bus.queues()).find(({ queue }) => queue === 'merger')).toMatchObject({ waiting: 0, leased: 0 });
  });

  it('S65 puts answers on record in the order in which they were found, one after the other', async () => {
    const bus = await ledger.open();
    const runId = await submit(bus, null);
    const asked: string[] = [];
    for (let count = 0; count < 3; count += 1) asked.push(await ask(bus, runId));
    const waits = new Map<string, () => void>();
    let completing = 0;
    const complete: AgentBus['complete'] = async (delivery, items) => {
      expect(++completing).toBe(1);
      // The first to be completed takes the longest.
      if (delivery.envelope.id === asked[2]) await Promise.all(asked.map(() => bus.queues()));
      const completed = await bus.complete(delivery, items);
      completing -= 1;
      return completed;
    };
    await consumeAll(
      altered(bus, { complete }),
      async (_run, { envelope }) => {
        const { promise, resolve } = Promise.withResolvers<undefined>();
        waits.set(envelope.id, () => resolve(undefined));
        // The last that was asked is the first to be answered.
        const answerAll = (): void => asked.toReversed().forEach((id) => waits.get(id)?.());
        if (waits.size === asked.length) setImmediate(answerAll);
        await promise;
        return success([note]);
      },
      3,
    );
    const stream = unwrap(await bus.readStream(runId, { after: 0 }));
    const answered = stream.filter(({ envelope }) => envelope.envelope_type === 'task_note');
    expect(answered.map(({ envelope }) => envelope.inReplyTo)).toEqual(asked.toReversed());
  });

  it('buries at once what has an answer that the bus cannot take', async () => {
    const bus = await ledger.open();
    const runId = await submit(bus, null);
    const requestId = await ask(bus, runId);
    const huge = message('task_note', 'engine', { note: 'x'.repeat(17 * 1024 * 1024), by: 'me' });
    let tries = 0;
    await consumeAll(bus, async () => ((tries += 1), success([huge])));
    const dead = unwrap(await bus.deadLetters());
    expect([tries, dead.map(({ envelope, error }) => [envelope.id, error.code])]).toStrictEqual([
      1,
      [[requestId, 'AC_BUS_PAYLOAD_TOO_LARGE']],
    ]);
  });

  it('tries again three times what may pass, then buries it and tells the engine', async () => {
    // The store's clock is an hour ahead: what is to be tried again later is due at once.
    const bus = await ledger.open({ ahead: 3_600_000 });
    const runId = await submit(bus, null);
    await ask(bus, runId);
    let tries = 0;
    const before = Date.now();
    const notBefore: number[] = [];
    const release: AgentBus['release'] = (delivery, options) => (
      notBefore.push((options?.notBefore ?? 0) - before),
      bus.release(delivery, options)
    );
    await consumeAll(altered(bus, { release }), () => ((tries += 1), wrong(errorOf('AC_GIT_UNREACHABLE', 'later'))));
    expect(tries).toBe(4);
    expect(notBefore.map((delay) => Math.floor(delay / 1000))).toStrictEqual([1, 2, 4]);
    expect(unwrap(await bus.deadLetters()).map(({ queue, error }) => [queue, error.code])).toStrictEqual([
      ['merger', 'AC_GIT_UNREACHABLE'],
    ]);
    expect(await typesOf(bus, runId)).toStrictEqual(['task_submit', 'merge_request', 'dead_letter']);
  });

  it('goes on as if nothing had been where a later try succeeds', async () => {
    const bus = await ledger.open({ ahead: 3_600_000 });
    const runId = await submit(bus, null);
    await ask(bus, runId);
    let tries = 0;
    await consumeAll(
      bus,
      async () => ((tries += 1), tries < 4 ? wrong(errorOf('AC_GIT_UNREACHABLE', 'later')) : success([note])),
    );
    expect(await typesOf(bus, runId)).toStrictEqual(['task_submit', 'merge_request', 'task_note']);
    expect(unwrap(await bus.deadLetters())).toStrictEqual([]);
  });

  it('buries at once what repeating cannot help', async () => {
    const bus = await ledger.open();
    const runId = await submit(bus, null);
    await ask(bus, runId);
    let tries = 0;
    await consumeAll(bus, () => ((tries += 1), wrong(errorOf('AC_PAYLOAD_INVALID', 'never'))));
    expect([tries, unwrap(await bus.deadLetters()).map(({ error }) => error.code)]).toStrictEqual([
      1,
      ['AC_PAYLOAD_INVALID'],
    ]);
  });

  it('buries what names no run, without handling it', async () => {
    const bus = await ledger.open();
    await ask(bus, newId());
    await consumeAll(bus, () => {
      throw new Error('not to be handled');
    });
    expect(unwrap(await bus.deadLetters()).map(({ error }) => error.code)).toStrictEqual(['AC_STREAM_UNKNOWN']);
  });

  it('gives back what fails because the company stops', async () => {
    const bus = await ledger.open();
    await ask(bus, await submit(bus, null));
    const stop = new AbortController();
    const options = { bus, folds: new RunFolds(bus), queue: 'merger', leaseMs, signal: stop.signal, log: silent };
    unwrap(await consume({ ...options, handle: () => (stop.abort(), wrong(errorOf('AC_STOPPED', 'never'))) }));
    expect(unwrap(await bus.deadLetters())).toStrictEqual([]);
    const again = unwrap(await bus.receive('merger', { max: 1, waitMs: 0, leaseMs }));
    expect(again.map(({ count }) => count)).toStrictEqual([1]);
  });
});
