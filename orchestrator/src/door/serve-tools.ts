import { doorPaths, hostToolCall, type AppError, type HostToolAnswer } from '@agentcompany/protocol';
import { answer } from './answer.ts';
import type { HostTools } from './attempt-services.ts';
import { bodyBytes } from './door-limits.ts';
import { readBody } from './read-body.ts';
import type { ServiceRequest } from './serve-attempt.ts';

/** The tools the host offers (`hostToolList`, `hostToolCall` -> `hostToolAnswer`). A call may take minutes; a worker that leaves ends it. */
export async function serveTools({ stream, headers, services }: ServiceRequest): Promise<boolean> {
  const { tools } = services;
  if (tools === null) return false;
  const route = `${headers[':method']} ${headers[':path']}`;
  if (route === `GET ${doorPaths.tools}`) await list(stream, tools);
  else if (route === `POST ${doorPaths.toolCall}`) await call(stream, tools);
  else return false;
  return true;
}

async function list(stream: ServiceRequest['stream'], tools: HostTools): Promise<void> {
  const listed = await tools.list();
  if (listed.ok) answer(stream, 200, { tools: listed.value });
  else answer(stream, 503, { problem: listed.error.message });
}

async function call(stream: ServiceRequest['stream'], tools: HostTools): Promise<void> {
  const body = await readBody(stream, bodyBytes.toolCall, hostToolCall);
  if (!body.ok) return answer(stream, body.status, { problem: body.problem });
  const gone = new AbortController();
  stream.once('close', () => gone.abort());
  if (stream.destroyed) gone.abort();
  const result = await tools.call(body.value.name, body.value.input, gone.signal);
  const said: HostToolAnswer = result.ok
    ? { text: result.value, is_error: false }
    : { text: told(result.error), is_error: true };
  answer(stream, 200, said);
}

/** An error in the words an agent can act on. */
function told({ code, message, cause, remedy }: AppError): string {
  return [`${code}: ${message}`, ...(cause === null ? [] : [cause]), remedy].join('\n');
}
