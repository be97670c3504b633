/**
 * An engine in a process of its own: `engine-process.ts '<QueuedEngineArguments as JSON>'`, forked. Without a `sample` it puts what the
 * run asks for into the queues and ends; with one it carries out so many tasks, sends what it `Measured` to its parent and ends.
 * Repository, forge and containers answer at once, as those of the soak do: the engine is what is measured.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { openBus, type OpenBusOptions } from '@agentcompany/agent-bus';
import { success, unwrap } from '@agentcompany/protocol';
import { initHome } from '../../orchestrator/src/company-home.ts';
import { drive } from '../../orchestrator/src/engine/drive.ts';
import type { EngineParts } from '../../orchestrator/src/engine/parts.ts';
import { pretendedEngine } from '../../tests/soak/pretended-engine.ts';
import { PretendedOutside } from '../../tests/soak/pretended-outside.ts';

export interface QueuedEngineArguments {
  readonly place: OpenBusOptions;
  /** Home of the company and state of the outside. */
  readonly folder: string;
  readonly run: string;
  /** Tasks that are merged before it ends; null: the run is only brought to where its tasks wait for workers. */
  readonly sample: number | null;
}

/** What a process takes; memory in bytes. */
export interface Measured {
  /** Milliseconds a task, of those after `warmUp`. */
  readonly msPerTask: number;
  /** Of the process, as it is. */
  readonly resident: number;
  /** Of the process once it has given back what it no longer needs. */
  readonly residentAfterCollection: number;
  /** Of that, what is in use on the heap and beside it. */
  readonly used: number;
}

/** Tasks merged before the clock is started: a new process runs its code for the first time. */
export const warmUp = 20;
const seed = 1;

const { place, folder, run, sample } = JSON.parse(process.argv[2] ?? '{}') as QueuedEngineArguments;
const bus = unwrap(await openBus(place));
const outside = new PretendedOutside(folder, seed);
const stop = new AbortController();
let tip = 'base';
let merged = 0;
let begun = Number.NaN;
let ended = Number.NaN;

/** Every merge succeeds, and is the beat that is counted. */
const repositories: typeof outside.repositories = {
  ...outside.repositories,
  runTip: async () => success(tip),
  merge: async ({ attemptId }) => {
    const tipBefore = tip;
    tip = `tip-${attemptId}`;
    merged += 1;
    if (merged === warmUp) begun = performance.now();
    if (merged === sample) {
      ended = performance.now();
      stop.abort();
    }
    return success({ outcome: 'merged', tipBefore, tipAfter: tip });
  },
};
const engine = pretendedEngine({
  bus,
  home: unwrap(initHome(`${folder}/home`)),
  outside: { repositories, forge: outside.forge },
  hostId: 'host',
  seed,
});
const parts: EngineParts = sample === null ? { ...engine, host: null } : engine;

/** Stops the engine once all tasks of the run have been assigned. */
async function stopWhenQueued(): Promise<void> {
  for await (const { stream } of bus.watch({ after: 0, signal: stop.signal })) {
    if (stream !== run) continue;
    const folded = unwrap(await parts.folds.refresh(run));
    if (folded !== null && folded.tasks.size > 0 && folded.counts.assigned === folded.tasks.size) stop.abort();
  }
}

function measure(): Measured {
  const resident = process.memoryUsage.rss();
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as (options: object) => void;
  collect({ type: 'major', execution: 'sync', flavor: 'last-resort' });
  const { rss, heapUsed, external } = process.memoryUsage();
  const msPerTask = (ended - begun) / ((sample ?? 0) - warmUp);
  return { msPerTask, resident, residentAfterCollection: rss, used: heapUsed + external };
}

if (sample === null) void stopWhenQueued();
unwrap(await drive(parts, { open: [run], until: null, signal: stop.signal }));
process.send?.(measure());
await bus.close();
if (process.connected) process.disconnect();
