import {
  success,
  workerErrors,
  type AgentDefinition,
  type AppError,
  type ModelAccount,
  type Result,
} from '@agentcompany/protocol';
import type { Run } from './company/records.ts';
import { sumCalls } from './company/sum-calls.ts';
import type { Config } from './config-schema.ts';
import type { AttemptModels } from './door/attempt-services.ts';
import type { Attempt } from './engine/attempt.ts';
import { meteredModel } from './models/metered-model.ts';
import type { CallOptions, CallRecord, Model, ModelEvent, ModelRequest } from './models/model.ts';
import { paced } from './models/paced.ts';
import type { Purse } from './models/purse.ts';
import { openExchanges, type ExchangesOptions } from './open-exchanges.ts';
import { openModel, type ModelsOptions } from './open-models.ts';

/** Whose calls a purse pays: an attempt's, or with `attempt` null those of the run itself, such as its planning; `work` names that. */
export type Payer =
  | { readonly run: Run; readonly attempt: Attempt }
  | { readonly run: Run; readonly attempt: null; readonly work: string };

export type OpenPurse = (payer: Payer) => Promise<Result<Purse>>;

export interface AttemptModelsOptions extends Omit<ModelsOptions, 'home'>, Omit<ExchangesOptions, 'home' | 'config'> {
  readonly home: ModelsOptions['home'] & ExchangesOptions['home'];
  readonly config: ModelsOptions['config'] & ExchangesOptions['config'] & Pick<Config, 'model_requests_per_minute'>;
  readonly openPurse: OpenPurse;
  /** Told what keeps exchanges from being recorded; nothing else depends on it. */
  readonly onUnrecorded: (error: AppError) => void;
}

/** The models of an attempt, and what they took so far. */
export interface OpenedModels {
  readonly models: AttemptModels;
  /** The same as its `stream`, told of the requests of this answer. */
  readonly ask: (request: ModelRequest, options: Pick<CallOptions, 'signal' | 'onCall'>) => AsyncIterable<ModelEvent>;
  readonly account: () => ModelAccount;
}

/** What the exchanges of an attempt are found by when its work is taken up again after a crash. */
function scopeOf({ assignment }: Attempt): string {
  return `task/${assignment.task.id}/${assignment.round}`;
}

/** The name of the model; undefined: the company's. An assignment that names one begins anew with it (C28). */
function nameOf({ assignment }: Attempt): string | undefined {
  const { agent, model, task } = assignment;
  return model ?? task.model ?? agent?.model ?? undefined;
}

/**
 * The model of an attempt whose task has an agent: the task's, else the agent's, else the company's with its fallback. Null where there is
 * none. Errors: those of `openModel` and of the purse.
 */
export async function openAttemptModels(
  options: AttemptModelsOptions,
  { run, attempt }: { readonly run: Run; readonly attempt: Attempt },
): Promise<Result<OpenedModels | null>> {
  const { agent } = attempt.assignment;
  if (agent === undefined) return success(null);
  const model = await openModel(options, nameOf(attempt));
  if (!model.ok) return model;
  const purse = await options.openPurse({ run, attempt });
  if (!purse.ok) return purse;
  const calls: CallRecord[] = [];
  const metered = meteredModel(model.value, {
    scope: scopeOf(attempt),
    store: openExchanges(options, run.id),
    purse: purse.value,
    onCall: (call) => calls.push(call),
    onUnrecorded: options.onUnrecorded,
  });
  const ask = withinTurns(agent, paced(options.config.model_requests_per_minute, limitedTo(agent, metered)));
  const models: AttemptModels = {
    modelName: model.value.name,
    maxOutputTokens: agent.max_tokens,
    temperature: agent.temperature,
    stream: (request, signal) => ask(request, { signal }),
  };
  return success({ models, ask, account: () => sumCalls(calls) });
}

/** The model as the agent's definition lets it be used, whatever a request asks for (S42). */
function limitedTo({ max_tokens, temperature, timeout }: AgentDefinition, model: Model): OpenedModels['ask'] {
  return (request, options) => {
    const maxOutputTokens = Math.min(request.maxOutputTokens, max_tokens);
    return model.stream({ ...request, temperature, maxOutputTokens }, { ...options, timeoutMs: timeout * 1000 });
  };
}

/**
 * Code agents count their turns each in a way of its own, or not at all: so they are counted here, alike for all. A turn is an answer to a
 * request that offers tools: titles and summaries an agent has made besides are none. Beyond `max_turns` nothing is asked any more:
 * `AC_WORK_PARTIAL`. The builtin agent counts its own, for it can end in between.
 */
function withinTurns({ runtime, max_turns: turns }: AgentDefinition, ask: OpenedModels['ask']): OpenedModels['ask'] {
  if (runtime === 'builtin') return ask;
  let taken = 0;
  return async function* (request, options) {
    const isTurn = request.tools.length > 0;
    if (isTurn && taken >= turns) {
      yield { type: 'failed', error: workerErrors.AC_WORK_PARTIAL({ turns }), retryAfterMs: null };
      return;
    }
    if (isTurn) taken += 1;
    let isAnswered = false;
    try {
      for await (const event of ask(request, options)) {
        isAnswered ||= event.type === 'end';
        yield event;
      }
    } finally {
      // What had no whole answer is asked again.
      if (isTurn && !isAnswered) taken -= 1;
    }
  };
}
