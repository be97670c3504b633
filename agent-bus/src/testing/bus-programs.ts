/**
 * What a process does with the bus that a contract starts and kills. Every line it prints was acknowledged before; lines are written
 * synchronously, so that a killed process has printed all it was told.
 */
import { unwrap, type Envelope } from '@agentcompany/protocol';
import type { AgentBus, Delivery, OutgoingItem } from '../bus.ts';
import { derivedIdSync } from '../dead-letter-notice.ts';
import { printLine as print } from './print-line.ts';
import { serve, type OpenForProcess } from './serve.ts';
import { makeEnvelope, testError, type BusPlace } from './support.ts';
import { toil } from './toiling.ts';

export interface BusProcessArguments {
  readonly program: 'drain' | 'hold' | 'send' | 'serve' | 'toil' | 'walk' | 'work';
  readonly place: BusPlace;
  /** The durable moment (before and after each fsynced step, from 1) at which the process kills itself. */
  readonly crashAt?: number;
}

/** The run of `walk`; its envelopes have the same ids in every process. */
export const walkRun = derivedIdSync('walk');

/** Handles queue `workers` until it stays empty. */
async function drain(bus: AgentBus): Promise<void> {
  for (;;) {
    const deliveries = unwrap(await bus.receive('workers', { max: 3, waitMs: 250, leaseMs: 60_000 }));
    if (deliveries.length === 0) return;
    for (const delivery of deliveries) {
      unwrap(
        await bus.complete(delivery, [
          {
            envelope: makeEnvelope({ context: delivery.envelope.context, inReplyTo: delivery.envelope.id }),
            queue: null,
          },
        ]),
      );
      print({ handled: delivery.envelope.id });
    }
  }
}

/** Claims one delivery and keeps it until it is killed. */
async function hold(bus: AgentBus): Promise<void> {
  const [delivery] = unwrap(await bus.receive('workers', { max: 1, waitMs: 10_000, leaseMs: 400 }));
  print({ held: delivery?.envelope.id, epoch: delivery?.epoch, count: delivery?.count });
  await new Promise(() => setInterval(() => undefined, 60_000));
}

/** Sends one after another, saying so after each; before each a lease is asked for, which needs no fsync and must not spare the next one its own. */
async function send(bus: AgentBus): Promise<void> {
  print({ opened: true });
  for (let index = 0; index < 3; index += 1) {
    await bus.extendLease('engine', 'never given', 1000);
    const result = await bus.send([{ envelope: makeEnvelope() }]);
    print(result.ok ? { sent: result.value.entries[0]?.envelope.id } : { refused: result.error.code });
  }
}

function walkEnvelope(name: string): Envelope {
  return makeEnvelope({ id: derivedIdSync(`walk/${name}`), context: { run_id: walkRun }, payload: { name } });
}

function walkAnswer(delivery: Delivery): readonly OutgoingItem[] {
  if (delivery.queue === 'workers') return [{ envelope: walkEnvelope('answer'), queue: 'answers' }];
  return delivery.queue === 'answers' ? [{ envelope: walkEnvelope('end'), queue: null }] : [];
}

async function walkStep(bus: AgentBus, delivery: Delivery): Promise<void> {
  const doomed = delivery.envelope.payload['name'] === 'doomed';
  const { entries } = unwrap(
    doomed ? await bus.reject(delivery, testError, []) : await bus.complete(delivery, walkAnswer(delivery)),
  );
  print({ entries: entries.map(({ seq, envelope }) => [seq, envelope.id]) });
}

/** A small run with every kind of durable step; started again after a kill it goes on where the store is. */
async function walk(bus: AgentBus): Promise<void> {
  const { entries } = unwrap(await bus.send(['task', 'doomed'].map((name) => ({ envelope: walkEnvelope(name) }))));
  print({ entries: entries.map(({ seq, envelope }) => [seq, envelope.id]) });
  const open = async (): Promise<boolean> =>
    unwrap(await bus.queues()).some(({ waiting, delayed, leased }) => waiting + delayed + leased > 0);
  while (await open()) {
    for (const queue of ['workers', 'answers', 'engine']) {
      const [delivery] = unwrap(await bus.receive(queue, { max: 1, waitMs: 20, leaseMs: 300 }));
      if (delivery !== undefined) await walkStep(bus, delivery);
    }
  }
}

/** The text of the `index`-th envelope of `work`: large, so that the logs of a store come round. */
export function workText(index: number): string {
  return `${index} `.repeat(8000);
}

/** Sends and completes in turn. */
async function work(bus: AgentBus): Promise<void> {
  for (let index = 0; index < 100; index += 1) {
    const envelope = makeEnvelope({ payload: { text: workText(index) } });
    unwrap(await bus.send([{ envelope }]));
    print({ sent: envelope.id });
    const [delivery] = unwrap(await bus.receive('workers', { max: 1, waitMs: 0, leaseMs: 60_000 }));
    const answer = makeEnvelope({ recipient: 'answers', inReplyTo: envelope.id });
    unwrap(await bus.complete(delivery!, [{ envelope: answer }]));
    print({ done: envelope.id, answer: answer.id });
  }
}

const programs = { drain, hold, send, toil, walk, work };

/** The whole of a script that `BusPlace.script` names: runs the program its argument asks for on the bus that `open` opens. */
export async function runBusProcess(open: OpenForProcess): Promise<void> {
  const { program, place, crashAt } = JSON.parse(process.argv[2] ?? '{}') as BusProcessArguments;
  if (program === 'serve') return serve(open);
  let moment = 0;
  const onDurableStep = (): void => {
    moment += 1;
    if (moment === crashAt) process.kill(process.pid, 'SIGKILL');
  };
  const bus = unwrap(await open({ ...place.options, onDurableStep }));
  await programs[program](bus);
  await bus.close();
  print({ ended: true });
}
