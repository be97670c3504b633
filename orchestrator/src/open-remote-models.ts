import { setTimeout as wait } from 'node:timers/promises';
import { success, type AppError } from '@agentcompany/protocol';
import { sumCalls } from './company/sum-calls.ts';
import type { HostModelLine } from './contract/host-models.ts';
import { nothingOpened, type AttemptModels } from './door/attempt-services.ts';
import type { EngineClient } from './hosts/engine-client.ts';
import type { ModelEvent } from './models/model.ts';
import type { ServiceParts } from './open-attempt-services.ts';

type Call = Extract<HostModelLine, { type: 'call' }>['call'];

/** Milliseconds between two questions to an engine home that is away, and for how long it is asked. */
const againMs = 1000;
const patienceMs = 120_000;

/**
 * The models of attempts on a machine that holds no keys: the engine home asks the model, meters and records. What it says of
 * the requests it made is the attempt's account.
 */
export function remoteModels(client: Pick<EngineClient, 'askModel'>): ServiceParts['openModels'] {
  return async ({ run, attempt }) => {
    const { agent, task } = attempt.assignment;
    if (agent === undefined) return success(nothingOpened);
    const calls: Call[] = [];
    let refusal: AppError | null = null;
    const onEnd = (error: AppError | null): void =>
      void (refusal = error?.code.startsWith('AC_BUDGET_') === true ? error : null);
    const models: AttemptModels = {
      modelName: attempt.assignment.model ?? task.model ?? agent.model ?? 'default',
      maxOutputTokens: agent.max_tokens,
      temperature: agent.temperature,
      stream: (request, signal) => {
        const asked = { runId: run.id, attemptId: attempt.id, request };
        return heard(
          eventsOf(() => client.askModel(asked, signal), calls, signal),
          onEnd,
        );
      },
    };
    return success({ ...nothingOpened, models, account: () => sumCalls(calls), refusal: () => refusal });
  };
}

/** The same events; says how they ended. */
async function* heard(
  events: AsyncIterable<ModelEvent>,
  onEnd: (error: AppError | null) => void,
): AsyncGenerator<ModelEvent> {
  for await (const event of events) {
    if (event.type === 'end') onEnd(null);
    if (event.type === 'failed') onEnd(event.error);
    yield event;
  }
}

/** The events of an answer. As long as nothing was handed out, an engine home that is away is asked again. */
async function* eventsOf(
  ask: () => AsyncIterable<HostModelLine>,
  calls: Call[],
  signal: AbortSignal,
): AsyncGenerator<ModelEvent> {
  const begun = performance.now();
  for (;;) {
    let handedOut = false;
    let away: ModelEvent | null = null;
    for await (const line of ask()) {
      if (line.type === 'call') calls.push(line.call);
      else if (line.type === 'failed' && line.error.code === 'AC_HOST_ENGINE_AWAY' && !handedOut) away = line;
      else {
        handedOut = true;
        yield line as ModelEvent;
      }
    }
    if (away === null) return;
    if (signal.aborted || performance.now() - begun > patienceMs) {
      yield away;
      return;
    }
    await wait(againMs, undefined, { signal }).catch(() => undefined);
  }
}
