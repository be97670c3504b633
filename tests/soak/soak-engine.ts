/**
 * The engine of a soak, as a process of its own: `node soak-engine.ts '<SoakEngineArguments as JSON>'`. It works until SIGTERM,
 * or until its `crashAt`-th durable step, where it dies by SIGKILL. It prints `{}` when it listens to signals, then `{resources}` for
 * each SIGUSR2.
 */
import { randomUUID } from 'node:crypto';
import { openBus, type OpenBusOptions } from '@agentcompany/agent-bus';
import { unwrap } from '@agentcompany/protocol';
import { initHome } from '../../orchestrator/src/company-home.ts';
import { runEnds } from '../../orchestrator/src/company/states.ts';
import { crashPoint } from '../../orchestrator/src/crash-point.ts';
import { drive } from '../../orchestrator/src/engine/drive.ts';
import { holdingEngineLease } from '../../orchestrator/src/engine/engine-lease.ts';
import { pretendedEngine } from './pretended-engine.ts';
import { PretendedOutside } from './pretended-outside.ts';
import { resourcesInUse } from './resources.ts';

export interface SoakEngineArguments {
  readonly place: OpenBusOptions;
  /** Home of the company and state of the outside. */
  readonly folder: string;
  readonly seed: number;
  readonly crashAt: number | null;
}

const { place, folder, seed, crashAt } = JSON.parse(process.argv[2] ?? '{}') as SoakEngineArguments;
const step = crashPoint(crashAt === null ? undefined : String(crashAt));
const stop = new AbortController();
process.once('SIGTERM', () => stop.abort());
process.on('SIGUSR2', () => process.stdout.write(`${JSON.stringify({ resources: resourcesInUse() })}\n`));
process.stdout.write('{}\n');

// Before a commit too: then an effect has happened outside that the ledger does not know of.
const bus = unwrap(await openBus({ ...place, onDurableStep: step }));
const { repositories, forge } = new PretendedOutside(folder, seed);
const parts = pretendedEngine({
  bus,
  home: unwrap(initHome(`${folder}/home`)),
  outside: { repositories, forge },
  hostId: `host-${randomUUID()}`,
  seed,
});
const open: string[] = [];
for (const stream of unwrap(await bus.streams())) {
  const run = unwrap(await parts.folds.refresh(stream));
  if (run !== null && !runEnds.has(run.state)) open.push(run.id);
  else parts.folds.forget(stream);
}
unwrap(await holdingEngineLease(bus, 30_000, () => drive(parts, { open, until: null, signal: stop.signal })));
await bus.close();
