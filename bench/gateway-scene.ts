import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { doorPaths, success, unwrap } from '@agentcompany/protocol';
import { DoorClient } from '../worker-image/src/door-client.ts';
import { initHome } from '../orchestrator/src/company-home.ts';
import { loadConfig } from '../orchestrator/src/config.ts';
import { openDoorEnds, selfReport } from '../orchestrator/src/door/testing/door-ends.ts';
import type { ModelEvent, ModelRequest } from '../orchestrator/src/models/model.ts';
import { unlimitedPurse } from '../orchestrator/src/models/purse.ts';
import { anthropicDialect } from '../orchestrator/src/models/testing/anthropic-dialect.ts';
import { openLoopbackServer } from '../orchestrator/src/models/testing/loopback-server.ts';
import { openAttemptModels } from '../orchestrator/src/open-attempt-models.ts';
import { openModel } from '../orchestrator/src/open-models.ts';
import { agentAttempt } from '../orchestrator/src/testing/agent-attempt.ts';

const texts = Array.from({ length: 100 }, (_, index) => `word ${index} `);
/** A conversation of an agent some way into its work: 20 kB. */
const system = 'You are a worker of this company. '.repeat(600);
const maxOutputTokens = 4000;

/** Milliseconds of one exchange, from its request to its first text and to its end. */
export interface Times {
  readonly first: number;
  readonly whole: number;
}

/** Ways to ask a provider on this machine: at once, and as a worker does. */
export interface GatewayScene {
  readonly direct: () => Promise<Times>;
  /** One asker for each door: a worker has one of its own. */
  readonly doors: readonly (() => Promise<Times>)[];
  readonly close: () => Promise<void>;
}

/** The texts of an answer. */
async function* wordsOf(events: AsyncIterable<ModelEvent>): AsyncGenerator<string> {
  for await (const event of events) if (event.type === 'text') yield event.text;
}

/** Notes when the first and the last piece of an answer come. */
async function watch(pieces: AsyncIterable<unknown>): Promise<Times> {
  const begun = performance.now();
  let first: number | null = null;
  for await (const _ of pieces) first ??= performance.now() - begun;
  if (first === null) throw new Error('there was no answer');
  return { first, whole: performance.now() - begun };
}

/** Sets up a provider that speaks its real wire format, a home that records, and so many workers' doors. */
export async function openGatewayScene(doorCount: number): Promise<GatewayScene> {
  const key = 'a-key-of-the-benchmark';
  const root = await mkdtemp(join(tmpdir(), 'agentcompany-bench-'));
  const home = unwrap(initHome(root));
  const server = await openLoopbackServer({ dialect: anthropicDialect, key, models: [] });
  const environment = { ANTHROPIC_API_KEY: key };
  const flags = { model: 'anthropic:claude-haiku-4-5', models: { anthropic: { base_url: server.url } } };
  const options = { home, environment, config: unwrap(loadConfig({ home, environment, flags })).config };
  const model = unwrap(await openModel(options));
  let count = 0;
  const question = (): string => {
    server.next({ kind: 'answer', answer: { texts } });
    count += 1;
    return `Question ${count}`;
  };
  const direct = (): Promise<Times> => {
    const request: ModelRequest = {
      system,
      messages: [{ role: 'user', content: [{ type: 'text', text: question() }] }],
      tools: [],
      answerSchema: null,
      maxOutputTokens,
      temperature: 0.7,
      cachePrefix: true,
    };
    return watch(wordsOf(model.stream(request, { signal: new AbortController().signal, timeoutMs: 30_000 })));
  };
  const opened = await Promise.all(
    Array.from({ length: doorCount }, async () => {
      const openPurse = async () => success(unlimitedPurse);
      const models = unwrap(
        await openAttemptModels({ ...options, openPurse, onUnrecorded: console.error }, agentAttempt()),
      );
      const { door, workerSide } = openDoorEnds({ services: { models: models?.models ?? null } });
      const client = new DoorClient(workerSide, () => undefined);
      await client.next({ report: selfReport });
      const ask = (): Promise<Times> => {
        const stream = client.request('POST', doorPaths.chat);
        stream.end(JSON.stringify({ system, messages: [{ role: 'user', text: question() }], tools: [] }));
        return watch(createInterface({ input: stream }));
      };
      return { ask, door };
    }),
  );
  const close = async (): Promise<void> => {
    for (const { door } of opened) door.close();
    await server.close();
    await rm(root, { recursive: true, force: true });
  };
  return { direct, doors: opened.map(({ ask }) => ask), close };
}
