import { randomUUID } from 'node:crypto';
import { failure, success, type AppError, type Result } from '@agentcompany/protocol';
import { Redis, type RedisOptions } from 'ioredis';
import type { AgentBus } from '../../bus.ts';
import type { RedisBusOptions } from '../../bus-options.ts';
import { parseAddress, type Address } from './address.ts';
import { Bells } from './bells.ts';
import { Compaction } from './compaction.ts';
import { Exporter } from './exporter.ts';
import { Graveyard } from './graveyard.ts';
import { Identity } from './identity.ts';
import { Importer } from './importer.ts';
import { Ledger } from './ledger.ts';
import { Link } from './link.ts';
import { NamedLeases } from './named-leases.ts';
import { lapseOrphans } from './orphans.ts';
import { Offers } from './offers.ts';
import { Queues } from './queues.ts';
import { Receiver } from './receiver.ts';
import { RedisBus } from './redis-bus.ts';
import { Steps } from './steps.ts';
import { Store } from './store.ts';

/** Deliveries without completion before a message is buried (DESIGN §4). */
const defaultMaxDeliveries = 20;
/** How long a call waits for a server that is away, in milliseconds. */
const defaultPatience = 10_000;
/** A server that says nothing for so long while an answer is due is taken for gone, in milliseconds. */
const silence = 10_000;
/** The longest pause before the next try to connect, in milliseconds. */
const longestPause = 1000;

export interface OpenRedisOptions extends Omit<RedisBusOptions, 'adapter'> {
  /** How long a call waits for a server that is away, in milliseconds. */
  readonly patience?: number;
}

function connectionOptions(address: Address): RedisOptions & { replyMapping: 'legacy' } {
  return {
    ...address.connection,
    protocol: 2,
    replyMapping: 'legacy',
    lazyConnect: true,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    // What has no answer when the connection goes is told at once: the link knows what may be repeated.
    maxRetriesPerRequest: 0,
    socketTimeout: silence,
    connectTimeout: silence,
    disableClientInfo: true,
    retryStrategy: (times) => Math.min(10 * 2 ** Math.min(times, 10), longestPause),
    sentinelRetryStrategy: (times) => Math.min(50 * times, longestPause),
  };
}

/**
 * Opens the bus on a Redis server. Errors: `AC_BUS_URL`, `AC_BUS_AWAY`, `AC_BUS_LOGIN`, `AC_BUS_SERVER_OLD`, `AC_BUS_VOLATILE`,
 * `AC_BUS_SCHEMA_NEWER`.
 */
export async function openRedisBus(options: OpenRedisOptions): Promise<Result<AgentBus>> {
  const address = parseAddress(options.url);
  if (!address.ok) return address;
  const { bus, link, store } = assembleBus(address.value, options);
  const opened = await link.open();
  const ready = opened.ok ? await lapseOrphans(store) : opened;
  if (ready.ok) return success(bus);
  bus.shutDown(ready.error);
  await bus.close();
  return failure(ready.error);
}

interface Assembly {
  readonly bus: RedisBus;
  readonly link: Link;
  readonly store: Store;
}

function assembleBus(address: Address, options: OpenRedisOptions): Assembly {
  const prefix = `{agentcompany:${address.namespace}}:`;
  const client = new Redis(connectionOptions(address));
  const identity = new Identity({
    client,
    address: address.shown,
    factsKey: `${prefix}facts`,
    acceptVolatile: options.acceptVolatile ?? false,
    highest: () => store.highest,
  });
  const link = new Link({
    client,
    address: address.shown,
    key: `${prefix}facts`,
    patience: options.patience ?? defaultPatience,
    check: () => identity.check(),
    onDurableStep: options.onDurableStep ?? (() => undefined),
    onUsable: () => bells.wakeAll(),
    onFatal: (error: AppError) => bus.shutDown(error),
  });
  const store = new Store({ link, address: address.shown, now: options.now });
  const steps = new Steps(store);
  const instance = randomUUID();
  const offers = new Offers({
    onOffer: (topic) => bells.ring([topic]),
    onUnwanted: (offer) => steps.giveBack(offer),
  });
  const bells = new Bells(new Redis(connectionOptions(address)), prefix, instance, (text) => offers.told(text));
  const maxDeliveries = options.maxDeliveries ?? defaultMaxDeliveries;
  const bus: RedisBus = new RedisBus({
    link,
    bells,
    steps,
    ledger: new Ledger(store),
    receiver: new Receiver({ store, bells, offers, steps, instance, maxDeliveries, refusal: () => bus.refusal }),
    queues: new Queues(store),
    graveyard: new Graveyard(store),
    namedLeases: new NamedLeases(store),
    compaction: new Compaction(store),
    exporter: new Exporter(store),
    importer: new Importer(store),
  });
  return { bus, link, store };
}
