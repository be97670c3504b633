/**
 * A process that waits for messages and says when the handler was entered. Its argument: a `WaitingFor` as JSON. It says
 * `ready`, then `{id, at}` for each message it has ended, and `{busyMs}` (processor time so far) when it is asked.
 */
import { openBus, type OpenBusOptions } from '@agentcompany/agent-bus';
import { parseEnvelope, unwrap, type Envelope } from '@agentcompany/protocol';
import { Worker } from 'bullmq';
import { benchQueue } from './message.ts';
import { connectRedis } from './redis-server.ts';

export type WaitingFor =
  | { readonly kind: 'bus'; readonly options: OpenBusOptions }
  | { readonly kind: 'list'; readonly url: string }
  | { readonly kind: 'bullmq'; readonly port: number };

export type Said = 'ready' | { readonly id: string; readonly at: string } | { readonly busyMs: number };

const stop = new AbortController();

function say(said: Said): void {
  process.send?.(said);
}

/** Nanoseconds of the clock that all processes of the machine share. */
const now = (): string => process.hrtime.bigint().toString();

async function waitAtBus(options: OpenBusOptions): Promise<void> {
  const bus = unwrap(await openBus(options));
  say('ready');
  while (!stop.signal.aborted) {
    const wait = { max: 1, waitMs: 60_000, leaseMs: 60_000, signal: stop.signal };
    for (const delivery of unwrap(await bus.receive(benchQueue, wait))) {
      const at = now();
      unwrap(await bus.complete(delivery, []));
      say({ id: delivery.envelope.id, at });
    }
  }
  await bus.close();
}

async function waitAtList(url: string): Promise<void> {
  const client = await connectRedis(url);
  stop.signal.addEventListener('abort', () => client.disconnect());
  say('ready');
  while (!stop.signal.aborted) {
    const popped = await client.brpop(benchQueue, 0).catch(() => null);
    if (popped === null) continue;
    const envelope = unwrap(parseEnvelope(JSON.parse(popped[1])));
    say({ id: envelope.id, at: now() });
  }
}

async function waitAtBullmq(port: number): Promise<void> {
  const connection = { host: '127.0.0.1', port, maxRetriesPerRequest: null };
  const worker = new Worker<Envelope>(benchQueue, () => Promise.resolve(now()), { connection });
  worker.on('completed', ({ data }, at: string) => say({ id: data.id, at }));
  await worker.waitUntilReady();
  say('ready');
  await new Promise((resolve) => stop.signal.addEventListener('abort', resolve));
  await worker.close();
}

async function main(): Promise<void> {
  const waitingFor = JSON.parse(process.argv[2] ?? '{}') as WaitingFor;
  process.on('message', () => {
    const { user, system } = process.cpuUsage();
    say({ busyMs: (user + system) / 1000 });
  });
  process.on('disconnect', () => stop.abort());
  if (waitingFor.kind === 'bus') await waitAtBus(waitingFor.options);
  else if (waitingFor.kind === 'list') await waitAtList(waitingFor.url);
  else await waitAtBullmq(waitingFor.port);
}

await main();
