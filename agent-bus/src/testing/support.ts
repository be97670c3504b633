import assert from 'node:assert/strict';
import { newId, unwrap, type AppError, type Envelope, type Result } from '@agentcompany/protocol';
import type { AgentBus, BusCapabilities, Delivery, StreamEntry } from '../bus.ts';

/** Options with which a contract test opens an instance. */
export interface InstanceOptions {
  readonly maxDeliveries?: number;
  /** Unix milliseconds. */
  readonly now?: () => number;
}

/** How another process opens a store; it travels as JSON. */
export interface BusPlace {
  /** Absolute path of a script that calls `runBusProcess` with how to open the adapter; absent for an adapter of this package's `openBus`. */
  readonly script?: string;
  /** What the script opens the bus with. */
  readonly options: Readonly<Record<string, unknown>>;
}

/** A fresh, empty store of one test. */
export interface ContractStore {
  /** How other processes open it. */
  readonly place: BusPlace;
  /** A new instance of the bus on this store; several may be open at once. */
  open(options?: InstanceOptions): Promise<Result<AgentBus>>;
  /** Closes what is still open and removes the store. */
  dispose(): Promise<void>;
}

export interface ContractOptions {
  /** The runner's `it` or `test`. */
  readonly it: (name: string, body: () => Promise<void>) => void;
  /** A fresh, empty store; called once for each test, or oftener. */
  readonly create: () => Promise<ContractStore>;
}

export interface BusContractOptions extends ContractOptions {
  /** What the adapter says of itself; the suite holds it to that. */
  readonly capabilities: BusCapabilities;
}

/** `another` makes a further store, which is disposed of with the first. */
type Body = (store: ContractStore, another: () => Promise<ContractStore>) => Promise<void>;
/** Names a test and runs it on a store of its own. */
export type Contract = (name: string, body: Body) => void;

/** Binds `it` and `create`: every test gets a store and gives it back. */
export function contractOf({ it, create }: ContractOptions): Contract {
  return (name, body) =>
    it(name, async () => {
      const stores: ContractStore[] = [];
      const another = async (): Promise<ContractStore> => {
        const store = await create();
        stores.push(store);
        return store;
      };
      try {
        await body(await another(), another);
      } finally {
        for (const store of stores) await store.dispose();
      }
    });
}

/** The lease of tests that move the clock. */
export const lease = 60_000;
/** A stretch of time well within `lease`, and one well past it: the clock of a store elsewhere is not this one to the millisecond. */
export const withinLease = 20_000;
export const pastLease = 90_000;

/** A clock that only the test moves. */
export class TestClock {
  value = 1_800_000_000_000;
  readonly now = (): number => this.value;
  advance(milliseconds: number): void {
    this.value += milliseconds;
  }
}

export async function openInstance(store: ContractStore, options?: InstanceOptions): Promise<AgentBus> {
  return unwrap(await store.open(options));
}

/** A valid envelope of a fresh run, with `fields` over it. */
export function makeEnvelope(fields: Partial<Envelope> = {}): Envelope {
  return {
    version: '1',
    id: newId(),
    sender: 'manager',
    recipient: 'workers',
    envelope_type: 'task_note',
    payload: { note: 'go on' },
    context: { run_id: newId() },
    inReplyTo: null,
    created_at: '2026-11-20T12:00:00.000Z',
    ...fields,
  };
}

/** Envelopes of one run. */
export function makeRun(
  count: number,
  fields: Partial<Envelope> = {},
): { readonly run: string; readonly envelopes: readonly Envelope[] } {
  const run = newId();
  const envelopes = Array.from({ length: count }, (_unused, index) =>
    makeEnvelope({ context: { run_id: run }, payload: { note: `number ${index}` }, ...fields }),
  );
  return { run, envelopes };
}

/** Sends the envelopes, one call each, to their recipient. */
export async function sendAll(bus: AgentBus, envelopes: readonly Envelope[]): Promise<void> {
  for (const envelope of envelopes) unwrap(await bus.send([{ envelope }]));
}

/** Claims at once, without waiting. */
export async function claim(bus: AgentBus, queue: string, max = 100, leaseMs = 60_000): Promise<readonly Delivery[]> {
  return unwrap(await bus.receive(queue, { max, waitMs: 0, leaseMs }));
}

export async function claimOne(bus: AgentBus, queue: string, leaseMs = 60_000): Promise<Delivery> {
  const [delivery] = await claim(bus, queue, 1, leaseMs);
  assert.ok(delivery !== undefined, `queue ${queue} has nothing to claim`);
  return delivery;
}

export async function streamOf(bus: AgentBus, stream: string): Promise<readonly StreamEntry[]> {
  return unwrap(await bus.readStream(stream, { after: 0 }));
}

/** Asserts that the result is a failure with this code, and returns its error. */
export function assertRefused(result: Result<unknown>, code: string): AppError {
  assert.ok(!result.ok, `${code} was expected, but the call succeeded`);
  assert.equal(result.error.code, code);
  assert.ok(result.error.remedy.length > 0);
  return result.error;
}

export function ids(entries: readonly { readonly envelope: Envelope }[]): readonly string[] {
  return entries.map(({ envelope }) => envelope.id);
}

export const testError: AppError = {
  code: 'AC_TEST',
  message: 'the handler gave up',
  cause: null,
  remedy: 'none',
  retry: 'never',
};
