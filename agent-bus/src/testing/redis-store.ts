import { randomUUID } from 'node:crypto';
import type { AgentBus } from '../bus.ts';
import { openBus } from '../open-bus.ts';
import type { RedisServer } from './start-redis.ts';
import type { ContractStore } from './support.ts';

/** A fresh store on a server: a namespace of its own. */
export function createRedisStore(server: RedisServer): ContractStore {
  const options = { adapter: 'redis', url: `${server.url}?namespace=${randomUUID()}` } as const;
  const opened: AgentBus[] = [];
  return {
    place: { options },
    open: async (instance = {}) => {
      const bus = await openBus({ ...options, ...instance });
      if (bus.ok) opened.push(bus.value);
      return bus;
    },
    dispose: async () => {
      for (const bus of opened) await bus.close();
    },
  };
}
