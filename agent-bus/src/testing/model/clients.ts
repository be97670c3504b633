import { unwrap, type Result } from '@agentcompany/protocol';
import type { AgentBus } from '../../bus.ts';
import { callMethod, type ServedMethod, type ServeReply, type ServeRequest } from '../serve.ts';
import { startBusProcess, type BusProcess } from '../start-bus-process.ts';
import type { ContractStore, TestClock } from '../support.ts';

/** What all clients of one run have in common. */
export interface ClientSettings {
  readonly store: ContractStore;
  readonly clock: TestClock;
  readonly maxDeliveries: number;
}

/** One user of the store. */
export interface ModelClient {
  open(settings: ClientSettings): Promise<void>;
  /** Calls a method. A process that dies in it, at durable moment `crashAt`, says at which. */
  call(method: ServedMethod, values: readonly unknown[], crashAt: number): Promise<ServeReply>;
  /** Ends it without a word where it is a process, else closes it, and opens it anew. */
  restart(): Promise<void>;
  /** Gives the store back. */
  close(): Promise<void>;
  /** Ends what lives on from run to run. */
  end(): Promise<void>;
}

/** An instance in this process. It is never killed. */
export class InstanceClient implements ModelClient {
  #settings: ClientSettings | null = null;
  #bus: AgentBus | null = null;

  async open(settings: ClientSettings): Promise<void> {
    this.#settings = settings;
    const { store, clock, maxDeliveries } = settings;
    this.#bus = unwrap(await store.open({ now: clock.now, maxDeliveries }));
  }

  async call(method: ServedMethod, values: readonly unknown[]): Promise<ServeReply> {
    return { answer: await callMethod(this.#bus!, method, values) };
  }

  async restart(): Promise<void> {
    await this.close();
    await this.open(this.#settings!);
  }

  async close(): Promise<void> {
    await this.#bus?.close();
    this.#bus = null;
  }

  async end(): Promise<void> {
    await this.close();
  }
}

/** An instance in a process of its own, which lives on from run to run until it is killed. */
export class ProcessClient implements ModelClient {
  #settings: ClientSettings | null = null;
  #process: BusProcess | null = null;

  async open(settings: ClientSettings): Promise<void> {
    this.#settings = settings;
    const { store, clock, maxDeliveries } = settings;
    this.#process ??= startBusProcess({ program: 'serve', place: store.place });
    const reply = await this.#ask({ open: store.place, maxDeliveries, now: clock.value });
    if ('answer' in reply) unwrap(reply.answer);
  }

  async call(method: ServedMethod, values: readonly unknown[], crashAt: number): Promise<ServeReply> {
    return this.#ask({ method, values, now: this.#settings!.clock.value, crashAt });
  }

  async restart(): Promise<void> {
    await this.end();
    await this.open(this.#settings!);
  }

  async close(): Promise<void> {
    if (this.#process !== null) await this.#ask({ close: true });
  }

  async end(): Promise<void> {
    this.#process?.child.kill('SIGKILL');
    await this.#process?.ended;
    this.#process = null;
  }

  async #ask(request: ServeRequest): Promise<ServeReply> {
    this.#process!.child.stdin!.write(`${JSON.stringify(request)}\n`);
    const line = await this.#process!.nextLine();
    if (line !== null) return line as unknown as ServeReply;
    this.#process = null;
    throw new Error(`the process ended in ${JSON.stringify(request).slice(0, 200)}`);
  }
}

/** The value or the code of an answer. */
export function outcome<Value>(answer: Result<Value>): { readonly value: Value } | { readonly code: string } {
  return answer.ok ? { value: answer.value } : { code: answer.error.code };
}
