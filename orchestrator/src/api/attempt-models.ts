import { Readable } from 'node:stream';
import { setTimeout as wait } from 'node:timers/promises';
import type { Result } from '@agentcompany/protocol';
import type { FastifyInstance } from 'fastify';
import {
  hostModelRequest,
  maximumModelRequestBytes,
  modelBeatMs,
  type HostModelLine,
} from '../contract/host-models.ts';
import { idPattern } from '../contract/worker-hosts.ts';
import { jsonProblem } from '../models/sound-json.ts';
import type { ModelRequest } from '../models/model.ts';
import { apiErrors } from './errors.ts';
import { refuse } from './problem.ts';

/** Asks the model of an attempt that is under way; what each request takes is told between the events. */
export type AskModel = (request: ModelRequest, signal: AbortSignal) => AsyncIterable<HostModelLine>;

export interface AttemptModelOptions {
  /** Errors: `AC_API_ATTEMPT_OVER`, those of opening a model. */
  readonly modelOf: (runId: string, attemptId: string) => Promise<Result<AskModel>>;
}

const id = { type: 'string', pattern: idPattern } as const;
const schema = {
  params: { type: 'object', properties: { attempt: id }, required: ['attempt'] },
  querystring: { type: 'object', properties: { run: id }, required: ['run'], additionalProperties: false },
} as const;

interface Route {
  readonly Params: { readonly attempt: string };
  readonly Querystring: { readonly run: string };
  readonly Body: unknown;
}

/**
 * `POST /v1/attempts/<id>/model?run=<id>` with a request to a model: its answer as NDJSON, event by event, for hosts that hold no
 * keys. Which model answers follows from the ledger. A host that goes away ends the call.
 */
export async function attemptModelRoutes(server: FastifyInstance, { modelOf }: AttemptModelOptions): Promise<void> {
  const options = { schema, bodyLimit: maximumModelRequestBytes };
  server.post<Route>('/v1/attempts/:attempt/model', options, async (request, reply) => {
    const unsound = jsonProblem(request.body);
    if (unsound !== null) return refuse(reply, apiErrors.AC_API_INVALID({ problem: unsound }));
    const asked = hostModelRequest.safeParse(request.body);
    if (!asked.success) return refuse(reply, apiErrors.AC_API_INVALID({ problem: 'it is no request to a model' }));
    const ask = await modelOf(request.query.run, request.params.attempt);
    if (!ask.ok) return refuse(reply, ask.error);
    const gone = new AbortController();
    reply.raw.once('close', () => gone.abort());
    const lines = ask.value(asked.data as ModelRequest, gone.signal);
    return reply.type('application/x-ndjson').send(Readable.from(withBeats(lines), { objectMode: false }));
  });
}

/** The lines as text, with an empty one wherever none came for a while. */
async function* withBeats(lines: AsyncIterable<HostModelLine>): AsyncGenerator<string> {
  const iterator = lines[Symbol.asyncIterator]();
  try {
    for (;;) {
      const next = iterator.next();
      const over = new AbortController();
      const beat = (): Promise<null> => wait(modelBeatMs, null, { signal: over.signal }).catch(() => null);
      let first = await Promise.race([next, beat()]);
      while (first === null) {
        yield '\n';
        first = await Promise.race([next, beat()]);
      }
      over.abort();
      if (first.done === true) return;
      yield `${JSON.stringify(first.value)}\n`;
    }
  } finally {
    await iterator.return?.();
  }
}
