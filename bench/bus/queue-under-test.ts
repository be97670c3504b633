import type { Envelope } from '@agentcompany/protocol';
import { timed } from '../measure.ts';
import type { Run } from '../measurement.ts';
import { inBatches, makeMessages } from './message.ts';
import { settle } from './settle.ts';

/** A queue as the measurements use it, ours or a peer's. It holds nothing when a run begins, and nothing when it has ended. */
export interface QueueUnderTest {
  /** Sends the batches one call after the other; returns when the last one is acknowledged. */
  send(batches: readonly (readonly Envelope[])[]): Promise<void>;
  /** Gets ready to handle messages; what it returns handles and ends `count` of them and tells their ids. */
  consumer(max: number): Promise<Consumer>;
  close(): Promise<void>;
}

export interface Consumer {
  handle(count: number): Promise<readonly string[]>;
  close(): Promise<void>;
}

export interface Load {
  /** Messages a run. */
  readonly count: number;
  /** Messages a call. */
  readonly batch: number;
}

/** A path that loses or doubles messages would look fast. Throws unless exactly what was sent was handled. */
export function expectAll(sent: readonly Envelope[], handled: readonly string[], name: string): void {
  const isSame = handled.length === sent.length && new Set(handled).size === sent.length;
  const known = new Set(sent.map(({ id }) => id));
  if (!isSame || handled.some((id) => !known.has(id)))
    throw new Error(
      `${name}: ${sent.length} messages were sent, ${new Set(handled).size} of ${handled.length} handled`,
    );
}

async function drain(queue: QueueUnderTest, count: number, max: number): Promise<readonly [readonly string[], number]> {
  const consumer = await queue.consumer(max);
  let handled: readonly string[] = [];
  const taken = await timed(async () => {
    handled = await consumer.handle(count);
  });
  await consumer.close();
  return [handled, taken];
}

/** Messages sent a second; that they all arrived is checked outside of the time. */
export function sending(queue: QueueUnderTest, name: string, { count, batch }: Load): Run {
  return async () => {
    const messages = makeMessages(count);
    const batches = inBatches(messages, batch);
    await settle();
    const taken = await timed(() => queue.send(batches));
    const [handled] = await drain(queue, count, 100);
    expectAll(messages, handled, name);
    return count / (taken / 1000);
  };
}

/** Messages received and ended a second, of a queue that was filled before. */
export function receiving(queue: QueueUnderTest, name: string, { count, batch }: Load): Run {
  return async () => {
    const messages = makeMessages(count);
    await queue.send(inBatches(messages, 100));
    await settle();
    const [handled, taken] = await drain(queue, count, batch);
    expectAll(messages, handled, name);
    return count / (taken / 1000);
  };
}
