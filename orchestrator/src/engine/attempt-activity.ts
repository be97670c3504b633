import type { PayloadOf, ProgressRequest } from '@agentcompany/protocol';
import type { AttemptModels, AttemptServices, HostTools } from '../door/attempt-services.ts';

/** How an attempt stands, but for whose it is. */
export type AttemptStatus = Pick<
  PayloadOf<'status_response'>,
  'status' | 'steps' | 'turn' | 'tokens' | 'quiet_seconds' | 'allowed_seconds'
>;

/** Characters of what a worker says it does. */
const shownStatus = 500;

/**
 * What the host sees of one attempt at work: what its worker says, and what it has the host do. Waiting for the host is no standing
 * still. Times are of the monotonic clock.
 */
export class AttemptActivity {
  #status = 'starting';
  #steps = 0;
  #workerStep = 0;
  #turn = 0;
  #tokens = 0;
  #since = performance.now();
  #allowedUntil = 0;
  /** Requests of the worker that the host has not answered yet. */
  #waiting = 0;

  /** A beat repeats what was said; only something new is a sign of progress. */
  sign({ message, step, allowed_seconds: allowed = 0 }: ProgressRequest): void {
    const isNew = step === undefined ? message !== this.#status : step > this.#workerStep;
    if (!isNew) return;
    this.#workerStep = step ?? this.#workerStep;
    this.#status = message.toWellFormed().slice(0, shownStatus);
    this.#allowedUntil = performance.now() + allowed * 1000;
    this.#moved();
  }

  /** The services of the attempt; whoever uses them shows progress. */
  watch(services: AttemptServices): AttemptServices {
    const { models, tools } = services;
    return {
      ...services,
      models: models === null ? null : this.#watchModels(models),
      tools: tools === null ? null : this.#watchTools(tools),
    };
  }

  /** `waitingSeconds`: what a worker is allowed that waits for the host. */
  status(waitingSeconds: number): AttemptStatus {
    const now = performance.now();
    const left = Math.max(0, Math.ceil((this.#allowedUntil - now) / 1000));
    return {
      status: this.#status,
      steps: this.#steps,
      turn: this.#turn,
      tokens: this.#tokens,
      quiet_seconds: Math.round((now - this.#since) / 1000),
      allowed_seconds: this.#waiting > 0 ? Math.max(left, waitingSeconds) : left,
    };
  }

  #moved(): void {
    this.#steps += 1;
    this.#since = performance.now();
  }

  #watchModels(models: AttemptModels): AttemptModels {
    const begin = (): void => this.#begin();
    const end = (tokens: number): void => {
      this.#turn += 1;
      this.#tokens += tokens;
      this.#end();
    };
    return {
      modelName: models.modelName,
      maxOutputTokens: models.maxOutputTokens,
      temperature: models.temperature,
      async *stream(request, signal) {
        let tokens = 0;
        begin();
        try {
          for await (const event of models.stream(request, signal)) {
            if (event.type === 'usage') tokens = event.usage.input + event.usage.output;
            yield event;
          }
        } finally {
          end(tokens);
        }
      },
    };
  }

  #watchTools(tools: HostTools): HostTools {
    return {
      list: () => tools.list(),
      call: async (name, input, signal) => {
        this.#begin();
        try {
          return await tools.call(name, input, signal);
        } finally {
          this.#end();
        }
      },
    };
  }

  #begin(): void {
    this.#waiting += 1;
    this.#moved();
  }

  #end(): void {
    this.#waiting -= 1;
    this.#moved();
  }
}
