import type { ClientHttp2Stream } from 'node:http2';
import { StringDecoder } from 'node:string_decoder';
import {
  chatEvent,
  doorPaths,
  failure,
  success,
  workerErrors,
  type AppError,
  type ChatEvent,
  type ChatRequest,
  type ChatToolCall,
  type Result,
} from '@agentcompany/protocol';
import { readAnswer, type DoorClient } from './door-client.ts';
import { sendInPieces } from './in-pieces.ts';

/** What a model answered. */
export interface ChatReply {
  readonly text: string;
  readonly calls: readonly ChatToolCall[];
  readonly stop: 'finished' | 'tool_calls' | 'length';
}

/** Characters of one answer of a model, and of one line of it: no answer that helps is longer. */
const limits = { answer: 8 * 1_048_576, line: 4 * 1_048_576, calls: 128 } as const;

/** Why there is no answer. `isCut`: some of it had come, so the host, which repeats what failed before that, did not repeat it. */
export interface ChatFailure {
  readonly error: AppError;
  readonly isCut: boolean;
}

function failed(isCut: boolean, problem: string, cause?: unknown): { readonly ok: false; readonly error: ChatFailure } {
  return failure({ error: workerErrors.AC_WORK_MODEL({ problem }, cause), isCut });
}

/** The events of an answer as their lines come in. Throws for what is none, and for what is too long. */
async function* events(stream: ClientHttp2Stream): AsyncGenerator<ChatEvent> {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  let total = 0;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    const text = decoder.write(chunk);
    total += text.length;
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    if (total > limits.answer || rest.length > limits.line) throw new Error('the answer is too long');
    for (const line of lines) if (line.trim() !== '') yield chatEvent.parse(JSON.parse(line));
  }
}

async function collect(stream: ClientHttp2Stream): Promise<Result<ChatReply, ChatFailure>> {
  const text: string[] = [];
  const calls: ChatToolCall[] = [];
  for await (const event of events(stream)) {
    if (event.type === 'failed') return failure({ error: event.error, isCut: text.length > 0 || calls.length > 0 });
    if (event.type === 'end') return success({ text: text.join(''), calls, stop: event.stop });
    if (event.type === 'text') text.push(event.text);
    else if (calls.length < limits.calls) calls.push(event.call);
  }
  return failed(true, 'the answer was cut off');
}

function statusOf(stream: ClientHttp2Stream): Promise<number> {
  return new Promise((resolve, reject) => {
    stream.once('response', (headers) => resolve(headers[':status'] ?? 0));
    stream.once('error', reject);
    stream.once('close', () => reject(new Error('the host closed the request')));
  });
}

/**
 * Asks the attempt's model through the door. Errors: those the host's gateway gives (docs/models.md, `AC_BUDGET_SPENT`), and
 * `AC_WORK_MODEL` where it gave none.
 */
export async function chat(door: DoorClient, request: ChatRequest): Promise<Result<ChatReply, ChatFailure>> {
  const stream = door.request('POST', doorPaths.chat, { 'content-type': 'application/json' });
  try {
    const status = statusOf(stream);
    await Promise.all([status, sendInPieces(Buffer.from(JSON.stringify(request)), stream)]);
    if ((await status) === 200) return await collect(stream);
    const { body } = await readAnswer(stream);
    return failed(false, `the host answered ${await status}`, body.slice(0, 1000));
  } catch (cause) {
    return failed(false, 'the host’s answer could not be read', cause);
  } finally {
    stream.close();
  }
}
