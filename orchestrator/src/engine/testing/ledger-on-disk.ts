import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openBus, type AgentBus } from '@agentcompany/agent-bus';
import { newId, unwrap, type Envelope, type EnvelopeType, type Plan, type RunSettings } from '@agentcompany/protocol';
import { settingsOf } from '../../company/testing/fixtures.ts';

/** A SQLite bus in a folder of its own, which may be opened more than once, as by several processes. */
export interface LedgerOnDisk {
  readonly folder: string;
  /** `ahead`: milliseconds that the store's clock is ahead of ours: leases and delays are over sooner. */
  open(options?: { readonly ahead?: number; readonly maxDeliveries?: number }): Promise<AgentBus>;
  remove(): Promise<void>;
}

export async function ledgerOnDisk(): Promise<LedgerOnDisk> {
  const folder = await mkdtemp(join(tmpdir(), 'company-ledger-'));
  const opened: AgentBus[] = [];
  return {
    folder,
    open: async ({ ahead = 0, maxDeliveries = 20 } = {}) => {
      const bus = unwrap(
        await openBus({ adapter: 'sqlite', folder: join(folder, 'bus'), maxDeliveries, now: () => Date.now() + ahead }),
      );
      opened.push(bus);
      return bus;
    },
    remove: async () => {
      await Promise.all(opened.map((bus) => bus.close()));
      await rm(folder, { recursive: true, force: true });
    },
  };
}

export function envelopeTo(
  runId: string,
  type: EnvelopeType,
  payload: Readonly<Record<string, unknown>>,
  more: Partial<Envelope> = {},
): Envelope {
  return {
    version: '1',
    id: newId(),
    sender: 'president',
    recipient: 'engine',
    envelope_type: type,
    payload: { ...payload },
    context: { run_id: runId },
    inReplyTo: null,
    created_at: '2026-11-20T12:00:00.000Z',
    ...more,
  };
}

/** Sends a `task_submit` and returns the id of its run. */
export async function submit(bus: AgentBus, plan: Plan | null, settings: Partial<RunSettings> = {}): Promise<string> {
  const id = newId();
  const payload = { project_id: 'shop', instruction: 'Do it all.', plan, settings: settingsOf(settings) };
  unwrap(await bus.send([{ envelope: envelopeTo(id, 'task_submit', payload, { id }) }]));
  return id;
}

export async function typesOf(bus: AgentBus, runId: string): Promise<readonly string[]> {
  return unwrap(await bus.readStream(runId, { after: 0 })).map(({ envelope }) => envelope.envelope_type);
}

/** The bus with some of its methods replaced: where a test looks on, or lets the process die. */
export function altered(bus: AgentBus, changes: Partial<AgentBus>): AgentBus {
  return new Proxy(bus, {
    get: (target, name: keyof AgentBus) => changes[name] ?? target[name].bind(target),
  });
}
