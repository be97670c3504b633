import { createServer, type ServerHttp2Stream } from 'node:http2';
import { connect, createServer as createSocketServer, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import {
  chatRequest,
  doorPaths,
  type ChatEvent,
  type ChatRequest,
  type HostToolList,
  type NoteList,
} from '@agentcompany/protocol';
import { onTestFinished } from 'vitest';
import { DoorClient } from '../door-client.ts';

/** One answer of the scripted model: tool calls, or words; or its events themselves, or what the host sends instead. */
export type Answer =
  | { readonly calls: readonly { readonly name: string; readonly input: unknown }[]; readonly text?: string }
  | string
  | readonly ChatEvent[]
  | { readonly status: number }
  | { readonly raw: string };

export interface ScriptedDoor {
  readonly client: DoorClient;
  readonly requests: ChatRequest[];
  readonly toolCalls: unknown[];
  checkpoint: Buffer | null;
  /** What people told; the host gives all of it each time it is asked. */
  notes: NoteList['notes'];
  /** Told of every request before it is answered. */
  onRequest: (request: ChatRequest, number: number) => Promise<Answer | undefined>;
}

function eventsOf(
  answer: Exclude<Answer, { readonly status: number } | { readonly raw: string }>,
): readonly ChatEvent[] {
  if (typeof answer === 'string')
    return [
      { type: 'text', text: answer },
      { type: 'end', stop: 'finished' },
    ];
  if (!('calls' in answer)) return answer;
  const calls = answer.calls.map(({ name, input }, index): ChatEvent => ({
    type: 'tool_call',
    call: { id: `call-${index}`, name, input, problem: null },
  }));
  return [{ type: 'text', text: answer.text ?? '' }, ...calls, { type: 'end', stop: 'tool_calls' }];
}

async function bodyOf(stream: ServerHttp2Stream): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function give(stream: ServerHttp2Stream, answer: Answer): void {
  if (typeof answer === 'object' && 'status' in answer) {
    stream.respond({ ':status': answer.status });
    return void stream.end('{"problem":"no"}');
  }
  stream.respond({ ':status': 200 });
  if (typeof answer === 'object' && 'raw' in answer) return void stream.end(answer.raw);
  // In pieces, as a network would bring them.
  const lines = eventsOf(answer).map((event) => `${JSON.stringify(event)}\n`);
  const bytes = Buffer.from(lines.join(''));
  for (let at = 0; at < bytes.length; at += 7) stream.write(bytes.subarray(at, at + 7));
  stream.end();
}

/** A host's side of the door for unit tests: the model's answers come from a list, one for each request. */
export async function scriptedDoor(
  answers: readonly Answer[],
  tools: HostToolList['tools'] = [],
): Promise<ScriptedDoor> {
  const server = createServer();
  const sockets = createSocketServer((socket) => server.emit('connection', socket)).listen(0, '127.0.0.1');
  await once(sockets, 'listening');
  const door: Omit<ScriptedDoor, 'client'> = {
    requests: [],
    toolCalls: [],
    checkpoint: null,
    notes: [],
    onRequest: async (_request, number) => answers[number],
  };
  const serve = async (stream: ServerHttp2Stream, route: string): Promise<void> => {
    const body = await bodyOf(stream);
    if (route === `POST ${doorPaths.chat}`) {
      const request = chatRequest.parse(JSON.parse(body.toString()));
      const number = door.requests.push(request) - 1;
      give(stream, (await door.onRequest(request, number)) ?? { status: 500 });
    } else if (route === `PUT ${doorPaths.checkpoint}`) {
      door.checkpoint = body;
      stream.respond({ ':status': 204 }, { endStream: true });
    } else if (route === `GET ${doorPaths.checkpoint}` && door.checkpoint !== null) {
      stream.respond({ ':status': 200 });
      stream.end(door.checkpoint);
    } else if (route === `GET ${doorPaths.tools}` && tools.length > 0) {
      stream.respond({ ':status': 200 });
      stream.end(JSON.stringify({ tools }));
    } else if (route === `GET ${doorPaths.notes}` && door.notes.length > 0) {
      stream.respond({ ':status': 200 });
      stream.end(JSON.stringify({ notes: door.notes }));
    } else if (route === `POST ${doorPaths.toolCall}`) {
      door.toolCalls.push(JSON.parse(body.toString()));
      stream.respond({ ':status': 200 });
      stream.end(JSON.stringify({ text: 'the host says so', is_error: false }));
    } else stream.respond({ ':status': 404 }, { endStream: true });
  };
  server.on('stream', (stream, headers) => void serve(stream, `${headers[':method']} ${headers[':path']}`));
  const socket = connect((sockets.address() as AddressInfo).port, '127.0.0.1');
  const client = new DoorClient(socket, () => undefined);
  onTestFinished(() => {
    client.close();
    socket.destroy();
    sockets.close();
  });
  return Object.assign(door, { client });
}
