import type { AppError } from '@agentcompany/protocol';
import type { AttemptServices } from './attempt-services.ts';

/** Services whose models remember how they failed. */
export interface RememberedFailures {
  readonly services: AttemptServices;
  /** What the worker was told of its models, by code. */
  readonly told: ReadonlyMap<string, AppError>;
}

/** Remembers the failures that a worker is told of: an agent may end its work with one of these, and with no other that is not its own. */
export function rememberFailures(services: AttemptServices): RememberedFailures {
  const told = new Map<string, AppError>();
  const { models } = services;
  if (models === null) return { services, told };
  const remembering: typeof models = {
    modelName: models.modelName,
    maxOutputTokens: models.maxOutputTokens,
    temperature: models.temperature,
    async *stream(request, signal) {
      for await (const event of models.stream(request, signal)) {
        if (event.type === 'failed') told.set(event.error.code, event.error);
        yield event;
      }
    },
  };
  return { services: { ...services, models: remembering }, told };
}
