import type { BusAdapter } from '@agentcompany/agent-bus';

/** The adapters that are measured. */
export const measuredAdapters: readonly BusAdapter[] = ['file', 'sqlite', 'redis'];

/** How a person calls them. */
export const adapterNames: Readonly<Record<BusAdapter, string>> = {
  file: 'file bus',
  sqlite: 'SQLite bus',
  redis: 'Redis bus',
};

/** What an acknowledgement of each survives, and by what. All three are set up to survive the loss of power. */
export const durabilities = {
  file: 'power loss: journal, fdatasync',
  sqlite: 'power loss: WAL, FULL',
  redis: 'power loss: appendfsync always',
} as const satisfies Record<BusAdapter, string>;
