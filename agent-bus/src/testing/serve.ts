import { createInterface } from 'node:readline';
import { unwrap, type Result } from '@agentcompany/protocol';
import type { AgentBus } from '../bus.ts';
import type { CommonBusOptions, DurableStepHook } from '../bus-options.ts';
import { printLine } from './print-line.ts';
import type { BusPlace } from './support.ts';

/** Opens the bus with what `BusPlace.options` holds and the members of `CommonBusOptions`. */
export type OpenForProcess = (
  options: Readonly<Record<string, unknown>> & CommonBusOptions,
) => Promise<Result<AgentBus>>;

/** Methods whose arguments and answers travel as JSON. */
export type ServedMethod = {
  readonly [Method in keyof AgentBus]: AgentBus[Method] extends (...values: never[]) => Promise<Result<unknown>>
    ? Method
    : never;
}[keyof AgentBus];

/** One line on the standard input of a serving process; it answers each with one line. */
export type ServeRequest =
  | { readonly open: BusPlace; readonly maxDeliveries: number; readonly now: number }
  | { readonly close: true }
  | {
      readonly method: ServedMethod;
      readonly values: readonly unknown[];
      /** Unix milliseconds: the process has no other clock. */
      readonly now: number;
      /** The durable moment of this call at which the process kills itself; 0 for none. */
      readonly crashAt: number;
    };

/** What a serving process prints: the answer, or at which durable moment it kills itself. */
export type ServeReply = { readonly answer: Result<unknown> } | { readonly dying: Parameters<DurableStepHook>[0] };

/** Calls a method by its name. */
export function callMethod(bus: AgentBus, method: ServedMethod, values: readonly unknown[]): Promise<Result<unknown>> {
  return (bus[method] as (...values: readonly unknown[]) => Promise<Result<unknown>>).apply(bus, [...values]);
}

/** Does what standard input says, line by line, until it ends. */
export async function serve(open: OpenForProcess): Promise<void> {
  let bus: AgentBus | null = null;
  let [clock, moment, crashAt] = [0, 0, 0];
  const onDurableStep: DurableStepHook = (name) => {
    moment += 1;
    if (moment !== crashAt) return;
    printLine({ dying: name });
    process.kill(process.pid, 'SIGKILL');
  };
  for await (const line of createInterface({ input: process.stdin })) {
    const request = JSON.parse(line) as ServeRequest;
    if ('close' in request) {
      crashAt = 0;
      await bus?.close();
      bus = null;
      printLine({ answer: { ok: true } });
      continue;
    }
    clock = request.now;
    if ('open' in request) {
      const { maxDeliveries } = request;
      bus = unwrap(await open({ ...request.open.options, maxDeliveries, now: () => clock, onDurableStep }));
      printLine({ answer: { ok: true } });
    } else if (bus !== null) {
      [moment, crashAt] = [0, request.crashAt];
      printLine({ answer: await callMethod(bus, request.method, request.values) });
    }
  }
  await bus?.close();
}
