import type { IncomingMessage, ServerResponse } from 'node:http';
import type { DoorClient } from '../door-client.ts';
import { answerRpc } from './answer-rpc.ts';
import { readRpc, rpcError, type RpcAnswer, type RpcRequest } from './json-rpc.ts';

const maximumBodyBytes = 1_048_576;

/** Milliseconds between two signs that a tool is still at work: clients and their HTTP give up on silence. */
const signMs = 5000;

/**
 * Serves the host's tools to a code agent in this container: MCP over Streamable HTTP without sessions, at whatever path of the loopback
 * server the caller chose. Every request stands alone; an agent that closes its request gives the call up at the host. Never rejects.
 */
export async function serveMcp(request: IncomingMessage, response: ServerResponse, door: DoorClient): Promise<void> {
  try {
    await serve(request, response, door);
  } catch {
    response.destroy();
  }
}

async function serve(request: IncomingMessage, response: ServerResponse, door: DoorClient): Promise<void> {
  // There are no sessions to end, and nothing the server would say unasked.
  if (request.method !== 'POST') return void response.writeHead(405, { allow: 'POST' }).end();
  const body = await readText(request);
  if (body === null)
    return send(response, 413, rpcError(null, -32_600, `a message has at most ${maximumBodyBytes} bytes`));
  const rpc = readRpc(body);
  if (rpc === 'notification') return void response.writeHead(202).end();
  if ('code' in rpc) return send(response, 400, rpcError(null, rpc.code, rpc.message));
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  const answered = answerRpc(rpc, door, gone.signal);
  const isStreamed = rpc.method === 'tools/call' && (request.headers.accept ?? '').includes('text/event-stream');
  return isStreamed ? stream(response, rpc, answered) : send(response, 200, await answered);
}

async function readText(request: IncomingMessage): Promise<string | null> {
  const chunks: Buffer[] = [];
  let total = 0;
  for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    total += chunk.length;
    if (total > maximumBodyBytes) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function send(response: ServerResponse, status: number, answer: RpcAnswer): void {
  const isWhole = response.req.complete;
  response.writeHead(status, { 'content-type': 'application/json', ...(isWhole ? {} : { connection: 'close' }) });
  response.end(JSON.stringify(answer));
}

/** The head goes out at once, a sign of life time and again, and the answer when the tool has it. */
async function stream(response: ServerResponse, rpc: RpcRequest, answered: Promise<RpcAnswer>): Promise<void> {
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
  response.flushHeaders();
  const token = progressToken(rpc);
  let count = 0;
  const sign = (): void => {
    count += 1;
    response.write(token === null ? ': at work\n\n' : event(progress(token, count)));
  };
  const signs = setInterval(sign, signMs);
  try {
    response.end(event(await answered));
  } finally {
    clearInterval(signs);
  }
}

function event(message: unknown): string {
  return `event: message\ndata: ${JSON.stringify(message)}\n\n`;
}

function progress(progressToken: string | number, count: number): unknown {
  return { jsonrpc: '2.0', method: 'notifications/progress', params: { progressToken, progress: count } };
}

/** What the client wants to see on news of this call; null where it wants none. */
function progressToken({ params }: RpcRequest): string | number | null {
  const meta = params['_meta'];
  if (typeof meta !== 'object' || meta === null) return null;
  const token: unknown = Reflect.get(meta, 'progressToken');
  return typeof token === 'string' || typeof token === 'number' ? token : null;
}
