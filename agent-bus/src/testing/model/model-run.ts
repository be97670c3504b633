import assert from 'node:assert/strict';
import type { Envelope } from '@agentcompany/protocol';
import type { Delivery, Expectation, OutgoingItem, Receipt, StreamEntry } from '../../bus.ts';
import { derivedIdSync } from '../../dead-letter-notice.ts';
import type { ServedMethod, ServeReply } from '../serve.ts';
import { makeEnvelope, testError, TestClock, type ContractStore } from '../support.ts';
import { outcome, type ModelClient } from './clients.ts';
import type { ExpectChoice, ItemChoice, ModelCommand } from './commands.ts';
import { ModelBus, type Answer, type LeaseName, type ModelDelivery } from './model-bus.ts';
import { assertSameView } from './views.ts';

const maxDeliveries = 3;
const queues = ['workers', 'reviews', 'engine'] as const;
const runs = [1, 2].map((number) => derivedIdSync(`model/run/${number}`));
/** Time goes in tens of seconds and every deadline lies between two of them: a store's own clock may be off by a few seconds. */
const leases = [15_000, 35_000, 95_000] as const;
const steps = [10_000, 40_000, 100_000] as const;
/** How long one waits for what another sends at once, in milliseconds. */
const patience = 30_000;
/** Longer than any lease. */
const longest = 100_000;

/** Drives the clients of one store and the model side by side. */
export class ModelRun {
  readonly #clock = new TestClock();
  readonly #model = new ModelBus(this.#clock.value, maxDeliveries);
  readonly #clients: readonly ModelClient[];
  readonly #received: Delivery[] = [];
  #turn = 0;

  constructor(clients: readonly ModelClient[]) {
    this.#clients = clients;
  }

  async open(store: ContractStore): Promise<void> {
    for (const client of this.#clients) await client.open({ store, clock: this.#clock, maxDeliveries });
  }

  async close(): Promise<void> {
    for (const client of this.#clients) await client.close();
  }

  /** Does it, and compares the answer and all that can be seen afterwards. */
  async step(command: ModelCommand): Promise<void> {
    await this.#do(command);
    this.#turn += 1;
    await this.#look();
  }

  /** Compares all that can be seen, with the eyes of one client after another. */
  async #look(): Promise<void> {
    const reader = this.#clients[this.#turn % this.#clients.length]!;
    await assertSameView(this.#model, async (method, values) => {
      const reply = await reader.call(method, values, 0);
      assert.ok('answer' in reply && reply.answer.ok, JSON.stringify(reply));
      return reply.answer.value;
    });
  }

  async #do(command: ModelCommand): Promise<void> {
    switch (command.does) {
      case 'send':
        return this.#send(command);
      case 'receive':
        return this.#receive(command);
      case 'handOver':
        return this.#handOver(command);
      case 'complete':
        return this.#complete(command);
      case 'reject':
        return this.#reject(command);
      case 'extend':
        return this.#extend(command);
      case 'release':
        return this.#release(command);
      case 'requeue':
      case 'purge':
        return this.#dig(command);
      case 'advance':
        return this.#advance(pick(steps, command.by));
      case 'restart':
        await this.#clientOf(command).restart();
        // Whether the leases of the dead end at once or lapse is the adapter's choice: afterwards they have ended either way.
        return this.#advance(longest);
    }
  }

  async #send(command: ModelCommand & { does: 'send' }): Promise<void> {
    const items = this.#items(command.items);
    const expect = this.#expectation(command.expect, items);
    const values = expect === undefined ? [items] : [items, { expect }];
    await this.#compare(command, command.crashAt, 'send', values, () => this.#model.send(items, expect), linesOf);
  }

  async #receive(command: ModelCommand & { does: 'receive' }): Promise<void> {
    const [queue, leaseMs] = [pick(queues, command.queue), pick(leases, command.lease)];
    const { max } = command;
    const reply = await this.#clientOf(command).call('receive', [queue, { max, waitMs: 0, leaseMs }], 0);
    this.#compareReceived(reply, this.#model.receive(queue, max, leaseMs));
  }

  /** One waits at an empty queue, another sends to it. */
  async #handOver(command: ModelCommand & { does: 'handOver' }): Promise<void> {
    const { client, count, max } = command;
    const [queue, leaseMs] = [pick(queues, command.queue), pick(leases, command.lease)];
    const others = this.#clients.filter((each) => each !== this.#clientOf(command));
    if (this.#model.isDue(queue)) return;
    const waiting = this.#clientOf(command).call('receive', [queue, { max, waitMs: patience, leaseMs }], 0);
    const items = Array.from({ length: count }, (_unused, index) => ({
      envelope: this.#envelope({ what: 'new', envelope: client + index, queue: 0, delay: 0 }, index),
      queue,
    }));
    const sent = await pick(others, command.sender).call('send', [items], 0);
    assert.ok('answer' in sent && sent.answer.ok, JSON.stringify(sent));
    assert.deepEqual({ value: linesOf(sent.answer.value) }, this.#model.send(items));
    this.#compareReceived(await waiting, this.#model.receive(queue, max, leaseMs));
  }

  #compareReceived(reply: ServeReply, expected: readonly ModelDelivery[]): void {
    assert.ok('answer' in reply && reply.answer.ok, JSON.stringify(reply));
    const deliveries = reply.answer.value as readonly Delivery[];
    this.#received.push(...deliveries);
    assert.deepEqual(
      deliveries.map(({ envelope, stream, seq, count, epoch }) => [envelope.id, stream, seq, count, epoch]),
      expected.map(({ entry, count, epoch }) => [entry.envelope.id, entry.stream, entry.seq, count, epoch]),
    );
  }

  async #complete(command: ModelCommand & { does: 'complete' }): Promise<void> {
    const deliveries = [
      ...new Set(command.leases.map((number) => this.#lease(number)).filter((each) => each !== null)),
    ];
    const names = deliveries.map(leaseName);
    if (deliveries.length === 0 || new Set(names.map(({ queue, id }) => `${queue} ${id}`)).size < names.length) return;
    if (this.#isUnspecified(names, 'complete')) return;
    const items = this.#items(command.items);
    const expect = this.#expectation(command.expect, items);
    const completions = deliveries.map((delivery, index) => ({ delivery, items: index === 0 ? items : [] }));
    const options = expect === undefined ? [] : [{ expect }];
    const [method, values] =
      completions.length === 1 && command.client % 2 === 0
        ? (['complete', [deliveries[0], items, ...options]] as const)
        : (['completeMany', [completions, ...options]] as const);
    const modelled = completions.map(({ items: each }, index) => ({ lease: names[index]!, items: each }));
    await this.#compare(
      command,
      command.crashAt,
      method,
      values,
      () => this.#model.complete(modelled, expect),
      linesOf,
    );
  }

  async #reject(command: ModelCommand & { does: 'reject' }): Promise<void> {
    const delivery = this.#lease(command.lease);
    if (delivery === null || this.#isUnspecified([leaseName(delivery)], 'reject')) return;
    const items = this.#items(command.items);
    const model = (): Answer<unknown> => this.#model.reject(leaseName(delivery), items);
    await this.#compare(command, command.crashAt, 'reject', [delivery, testError, items], model, linesOf);
  }

  async #extend(command: ModelCommand & { does: 'extend' }): Promise<void> {
    const delivery = this.#lease(command.lease);
    if (delivery === null) return;
    const leaseMs = pick(leases, command.by);
    const model = (): Answer<null> => this.#model.extend(leaseName(delivery), leaseMs);
    await this.#compare(command, 0, 'extend', [delivery, leaseMs], model, () => null);
  }

  async #release(command: ModelCommand & { does: 'release' }): Promise<void> {
    const delivery = this.#lease(command.lease);
    if (delivery === null) return;
    const notBefore = this.#notBefore(command.delay);
    const model = (): Answer<null> => this.#model.release(leaseName(delivery), notBefore ?? 0);
    const values = notBefore === undefined ? [delivery] : [delivery, { notBefore }];
    await this.#compare(command, 0, 'release', values, model, () => null);
  }

  async #dig(command: ModelCommand & { does: 'requeue' | 'purge' }): Promise<void> {
    const letters = [...this.#model.letters.keys(), derivedIdSync('no letter')];
    const letter = pick(letters, command.letter);
    const model = (): Answer<null> => this.#model[command.does](letter);
    await this.#compare(command, command.crashAt, command.does, [letter], model, () => null);
  }

  /**
   * Lets the client and the model do the same. Of a step in which the process died, nothing is there or all of it: all where it died
   * when the step was durable.
   */
  async #compare(
    command: ModelCommand,
    crashAt: number,
    method: ServedMethod,
    values: readonly unknown[],
    model: () => Answer<unknown>,
    read: (value: unknown) => unknown,
  ): Promise<void> {
    const client = this.#clientOf(command);
    const reply = await client.call(method, values, crashAt);
    if ('answer' in reply) {
      const found = outcome(reply.answer);
      assert.deepEqual('code' in found ? found : { value: read(found.value) }, model());
      return;
    }
    await client.restart();
    this.#advance(longest);
    if (reply.dying === 'bus:after' || !(await this.#isAsBefore())) model();
  }

  async #isAsBefore(): Promise<boolean> {
    try {
      await this.#look();
      return true;
    } catch (thrown) {
      if (thrown instanceof assert.AssertionError) return false;
      throw thrown;
    }
  }

  #advance(by: number): void {
    this.#clock.advance(by);
    this.#model.now = this.#clock.value;
  }

  #clientOf({ client }: ModelCommand): ModelClient {
    return pick(this.#clients, client);
  }

  /** One of the deliveries that were ever given, the latest first. */
  #lease(number: number): Delivery | null {
    return this.#received.length === 0
      ? null
      : pick(this.#received, this.#received.length - 1 - (number % Math.min(6, this.#received.length)));
  }

  /** True for what the port leaves open: repeating the end of deliveries that ended otherwise, or not together. */
  #isUnspecified(names: readonly LeaseName[], by: string): boolean {
    const ends = names.map((name) => this.#model.held(name)?.end ?? null);
    return ends.some((end) => end !== null && end.by !== by) || new Set(ends.filter((end) => end !== null)).size > 1;
  }

  #expectation(choice: ExpectChoice, items: readonly OutgoingItem[]): Expectation | undefined {
    if (choice === 'none') return undefined;
    const stream = items[0]?.envelope.context.run_id ?? runs[0]!;
    return { stream, version: this.#model.version(stream) + (choice === 'right' ? 0 : 1) };
  }

  #notBefore(number: number): number | undefined {
    return number % 4 === 0 ? this.#clock.value + pick(leases, number / 4) : undefined;
  }

  #items(choices: readonly ItemChoice[]): readonly OutgoingItem[] {
    return choices.map((choice, index) => {
      const notBefore = this.#notBefore(choice.delay);
      const queue = [undefined, ...queues, null][choice.queue % 5];
      return {
        envelope: this.#envelope(choice, index),
        ...(queue === undefined ? {} : { queue }),
        ...(notBefore === undefined ? {} : { notBefore }),
      };
    });
  }

  #envelope({ what, envelope }: ItemChoice, index: number): Envelope {
    const own = this.#model.entries.filter((entry) => entry.envelope.envelope_type !== 'dead_letter');
    const known = own.length === 0 || what === 'new' ? undefined : pick(own, envelope).envelope;
    if (known !== undefined)
      return what === 'known' ? known : { ...known, payload: { ...known.payload, changed: true } };
    return makeEnvelope({
      id: derivedIdSync(`model/${this.#turn}/${index}`),
      envelope_type: envelope % 5 === 0 ? 'task_progress' : 'task_note',
      payload: { number: envelope, text: `\u0000\uD800 ${this.#turn}` },
      context: envelope % 7 === 0 ? {} : { run_id: pick(runs, envelope) },
    });
  }
}

function pick<Value>(values: readonly Value[], number: number): Value {
  return values[Math.floor(number) % values.length]!;
}

function leaseName({ queue, envelope, epoch }: Delivery): LeaseName {
  return { queue, id: envelope.id, epoch };
}

function linesOf(value: unknown): readonly string[] {
  return (value as Receipt).entries.map(({ stream, seq, envelope }: StreamEntry) => `${stream} ${seq} ${envelope.id}`);
}
