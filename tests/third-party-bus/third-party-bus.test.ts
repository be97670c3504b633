import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AgentBus } from '@agentcompany/agent-bus';
import { busContract, busModelContract, busProcessContract, type ContractStore } from '@agentcompany/agent-bus/testing';
import { describe, it } from 'vitest';
import { openThirdPartyBus } from './open-third-party-bus.ts';

/** A fresh store, and how a process of its own opens it. */
async function create(): Promise<ContractStore> {
  const folder = await mkdtemp(join(tmpdir(), 'third-party-bus-'));
  const opened: AgentBus[] = [];
  return {
    place: { script: join(import.meta.dirname, 'third-party-bus-child.ts'), options: { folder } },
    open: async (options = {}) => {
      const bus = await openThirdPartyBus({ folder, ...options });
      if (bus.ok) opened.push(bus.value);
      return bus;
    },
    dispose: async () => {
      for (const bus of opened) await bus.close();
      await rm(folder, { recursive: true });
    },
  };
}

describe('an adapter of another package', () => {
  const capabilities = {
    fifo: true,
    crossMachine: false,
    maxPayloadBytes: 16 * 1024 * 1024,
    latencyClass: 'host',
  } as const;
  busContract({ it, create, capabilities });
  busProcessContract({ it, create });
  busModelContract({ it, create, runs: 5 });
});
