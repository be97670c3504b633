import type { BusAdapter } from '@agentcompany/agent-bus';
import { startRedis } from '@agentcompany/agent-bus/testing';

/** Where a company under test keeps its bus: the keys of its `config.json`, and how to give the store back. */
export interface BusStore {
  readonly settings: Readonly<Record<string, unknown>>;
  readonly dispose: () => Promise<void>;
}

/** A fresh store of this adapter; in its home's own folder, or on a Redis server of its own. */
export async function openBusStore(adapter: BusAdapter): Promise<BusStore> {
  if (adapter !== 'redis') return { settings: { message_queue: adapter }, dispose: async () => undefined };
  const redis = await startRedis();
  // Hosts of other machines are let in on a free port: several companies are under test at once.
  const settings = { message_queue: adapter, redis_url: redis.url, api: { host: '127.0.0.1', port: 0 } };
  return { settings, dispose: () => redis.dispose() };
}
