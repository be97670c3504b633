import type { AgentBus } from '@agentcompany/agent-bus';
import { derivedId, unwrap, type Envelope, type EnvelopeType } from '@agentcompany/protocol';
import { planOf, settingsOf } from '../../orchestrator/src/company/testing/fixtures.ts';
import { chance } from './seeded.ts';

export const tasksOfRun = 25;
/** Milliseconds without any news after which a soak says that it hangs: more than every lease of it. */
const longestSilence = 150_000;

/** Submits `count` runs of `tasksOfRun` tasks; some twice, as by a client that never saw its answer (S73). Returns their ids. */
export async function submitRuns(
  bus: AgentBus,
  seed: number,
  batch: number,
  count: number,
): Promise<readonly string[]> {
  const runs: string[] = [];
  for (let index = 0; index < count; index += 1) {
    const id = await derivedId(`soak ${seed}, batch ${batch}, run ${index}`);
    const payload = {
      project_id: 'soak',
      instruction: 'Do it all.',
      plan: planOf(graphOf(id, seed)),
      settings: settingsOf(),
    };
    const item = { envelope: toEngine(id, id, 'task_submit', payload) };
    unwrap(await bus.send([item]));
    if (chance(seed, 'twice', id) < 0.3) unwrap(await bus.send([item]));
    runs.push(id);
  }
  return runs;
}

/** A graph in which about half of the tasks wait for earlier ones. */
function graphOf(run: string, seed: number): Readonly<Record<string, readonly string[]>> {
  const graph: Record<string, readonly string[]> = {};
  for (let index = 0; index < tasksOfRun; index += 1) {
    const earlier = Array.from({ length: index }, (_unused, other) => `t${other}`);
    graph[`t${index}`] = earlier.filter((other) => chance(seed, run, index, other) < 0.06);
  }
  return graph;
}

/** Ends published runs as a person does who merges their pull requests; resolves when the engine has taken note. */
export async function completeRuns(bus: AgentBus, runs: readonly string[], signal: AbortSignal): Promise<void> {
  for (const run of runs) {
    const pull_request = { number: 1, url: 'https://forge.example/1', branch: 'agent/x', base: 'main' };
    const id = await derivedId(`${run} merged`);
    unwrap(await bus.send([{ envelope: toEngine(run, id, 'run_complete', { outcome: 'merged', pull_request }) }]));
  }
  await awaitQuiet(bus, signal);
}

/** Resolves when every run is published; rejects when one is not going to be, nothing happens any more, or `signal` aborts. */
export async function awaitPublished(bus: AgentBus, runs: readonly string[], signal: AbortSignal): Promise<void> {
  const waiting = new Set(runs);
  const [first] = runs;
  const [opening] = unwrap(await bus.readStream(first ?? '', { after: 0, limit: 1 }));
  const silence = new AbortController();
  const watchdog = setTimeout(() => silence.abort(), longestSilence);
  const either = AbortSignal.any([signal, silence.signal]);
  try {
    for await (const { envelope, stream } of bus.watch({ after: (opening?.position ?? 1) - 1, signal: either })) {
      watchdog.refresh();
      if (envelope.envelope_type !== 'run_state' || !waiting.has(stream)) continue;
      const to = envelope.payload['to'];
      if (to === 'needs_attention' || to === 'failed') throw new Error(`run ${stream} is ${to}`);
      if (to === 'published') waiting.delete(stream);
      if (waiting.size === 0) return;
    }
  } finally {
    clearTimeout(watchdog);
  }
  signal.throwIfAborted();
  throw new Error(`nothing happens; waiting for ${[...waiting].join(', ')}; ${await describeQueues(bus)}`);
}

/** Resolves when no queue holds anything; rejects when one still does after long, or `signal` aborts. */
async function awaitQuiet(bus: AgentBus, signal: AbortSignal): Promise<void> {
  const patience = AbortSignal.timeout(longestSilence);
  for (;;) {
    const open = unwrap(await bus.queues()).filter(({ waiting, leased }) => waiting + leased > 0);
    if (open.length === 0) return;
    signal.throwIfAborted();
    if (patience.aborted) throw new Error(`queues do not empty; ${await describeQueues(bus)}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function describeQueues(bus: AgentBus): Promise<string> {
  return `queues: ${JSON.stringify(unwrap(await bus.queues()))}`;
}

function toEngine(run: string, id: string, type: EnvelopeType, payload: Readonly<Record<string, unknown>>): Envelope {
  return {
    version: '1',
    id,
    sender: 'president',
    recipient: 'engine',
    envelope_type: type,
    payload,
    context: { run_id: run },
    inReplyTo: null,
    created_at: '2026-11-20T12:00:00.000Z',
  };
}
