import { doorPaths } from '@agentcompany/protocol';
import { answer } from './answer.ts';
import type { AttemptModels } from './attempt-services.ts';
import { dialects } from './dialects/dialects.ts';
import type { DialectRequest } from './dialects/dialect.ts';
import { modelBodyBytes } from './door-limits.ts';
import { readSoundBody } from './read-body.ts';
import type { ServiceRequest } from './serve-attempt.ts';
import { serveChat } from './serve-chat.ts';
import { goneSignal, writePieces } from './write-pieces.ts';

const prefix = '/model/';

/** Answers a request for the attempt's model, in the neutral dialect or a code agent's own; false where there is no such route. */
export async function serveModels(request: ServiceRequest): Promise<boolean> {
  const { models } = request.services;
  const [path = '', query = ''] = splitOnce(request.headers[':path'] ?? '', '?');
  if (models === null || !path.startsWith(prefix)) return false;
  if (path === doorPaths.chat) {
    if (request.headers[':method'] !== 'POST') return false;
    await serveChat(request, models);
    return true;
  }
  const [name = '', rest = ''] = splitOnce(path.slice(prefix.length), '/');
  const dialect = dialects.find((candidate) => candidate.name === name);
  return dialect === undefined ? false : dialect.serve(dialectRequest(request, models, `/${rest}`, query));
}

function splitOnce(text: string, separator: string): readonly string[] {
  const index = text.indexOf(separator);
  return index < 0 ? [text] : [text.slice(0, index), text.slice(index + 1)];
}

function dialectRequest(
  { stream, headers }: ServiceRequest,
  models: AttemptModels,
  path: string,
  query: string,
): DialectRequest {
  const signal = goneSignal(stream);
  return {
    method: headers[':method'] ?? '',
    path,
    query: new URLSearchParams(query),
    headers,
    models,
    signal,
    readJson: (schema) => readSoundBody(stream, modelBodyBytes, schema),
    answer: (status, body, more) => answer(stream, status, body, more),
    stream: (more, pieces) => writePieces(stream, more, pieces, signal),
  };
}
