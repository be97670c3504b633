import { chatRequest } from '@agentcompany/protocol';
import { modelErrors } from '../models/errors.ts';
import { answer } from './answer.ts';
import type { AttemptModels } from './attempt-services.ts';
import { toChatEvent, toModelRequest } from './chat-request.ts';
import { modelBodyBytes } from './door-limits.ts';
import { readSoundBody } from './read-body.ts';
import type { ServiceRequest } from './serve-attempt.ts';
import { goneSignal, writePieces } from './write-pieces.ts';

/** `POST /model/chat`: one answer of the attempt's model, event by event. What cannot be used is refused with a `failed` event. */
export async function serveChat({ stream }: ServiceRequest, models: AttemptModels): Promise<void> {
  const gone = goneSignal(stream);
  const body = await readSoundBody(stream, modelBodyBytes, chatRequest);
  if (!body.ok) {
    const error = modelErrors.AC_MODEL_TALK_MALFORMED({ problem: body.problem });
    return answer(stream, body.status, { type: 'failed', error });
  }
  const lines = eventLines(models, toModelRequest(body.value, models), gone);
  return writePieces(stream, { 'content-type': 'application/x-ndjson' }, lines, gone);
}

async function* eventLines(
  models: AttemptModels,
  request: ReturnType<typeof toModelRequest>,
  gone: AbortSignal,
): AsyncGenerator<string> {
  for await (const event of models.stream(request, gone)) {
    const told = toChatEvent(event);
    if (told !== null) yield `${JSON.stringify(told)}\n`;
  }
}
