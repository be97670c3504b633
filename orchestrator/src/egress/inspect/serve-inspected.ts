import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { Duplex } from 'node:stream';
import type { SecureContext } from 'node:tls';
import { callbackify } from 'node:util';
import type { EgressFact, EgressReason } from '@agentcompany/protocol';
import { abortOf, type EgressConnection } from '../egress-connection.ts';
import { Cut, refusal, refusalWords } from '../refusal.ts';
import type { AttemptAuthority } from './attempt-authority.ts';
import { checkRequest, isBodiless, type OutgoingRequest } from './check-request.ts';
import { forwardRequest, type Way } from './forward-request.ts';
import { HostAgent } from './host-agent.ts';

/** Characters of a path that are kept on record. */
const recordedPath = 500;
/** Requests of one connection under way together: programs wait for an answer before they ask again. */
const atOnce = 8;

/**
 * A connection whose TLS ends here: each request in it is checked, made anew, sent over a TLS connection of our own to the checked address,
 * and put on record with its answer. Resolves when the worker's side is closed and all of it is on record.
 */
export async function serveInspected(
  stream: Duplex,
  connection: EgressConnection,
  authority: AttemptAuthority,
): Promise<void> {
  const agent = new HostAgent(connection);
  const answering = new Set<Promise<unknown>>();
  const server = serverFor(connection, authority);
  server.on('request', (request, response) => {
    response.on('error', () => undefined);
    const way = { connection, agent, isCrowded: answering.size >= atOnce };
    const answered = answer(request, response, way).catch(() => void response.destroy());
    answering.add(answered);
    void answered.then(() => answering.delete(answered));
  });
  const life = setTimeout(() => stream.destroy(), connection.limits.lifeMs);
  server.emit('connection', stream);
  await abortOf(connection.gone);
  clearTimeout(life);
  stream.destroy();
  agent.destroy();
  server.close();
  await Promise.all(answering);
}

/** Node's own parser, as strict as it is: what is no sound request never becomes one (smuggling, split headers). */
function serverFor({ target, limits, note }: EgressConnection, authority: AttemptAuthority): Server {
  const contextFor = async (name: string): Promise<SecureContext> => {
    if (name.toLowerCase() !== target.host) throw new Cut('server_name');
    return authority.contextFor(target.host);
  };
  const server = createServer({
    ALPNProtocols: ['http/1.1'],
    minVersion: 'TLSv1.2',
    handshakeTimeout: limits.helloMs,
    insecureHTTPParser: false,
    maxHeaderSize: 16_384,
    requireHostHeader: false,
    SNICallback: callbackify(contextFor),
  });
  server.setTimeout(limits.idleMs);
  const refuse = (reason: EgressReason): void => void note({ event: 'refused', reason });
  server.on('tlsClientError', (error, socket) => {
    const problem = handshakeProblem(error);
    if (problem !== null) refuse(problem);
    socket.destroy();
  });
  server.on('clientError', (error, socket) => {
    const code: unknown = Reflect.get(error, 'code');
    // The rest is of the connection: it went away, or never was TLS.
    if (typeof code !== 'string' || !/^(HPE|ERR_HTTP)_/.test(code)) return void socket.destroy();
    refuse('malformed');
    socket.end(`HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n${refusal('malformed').text}\n`, () =>
      socket.destroy(),
    );
  });
  return server;
}

/** Null: it only went away. */
function handshakeProblem(error: Error): EgressReason | null {
  const code: unknown = Reflect.get(error, 'code');
  if (error instanceof Cut) return error.reason;
  if (code === 'ECONNRESET') return null;
  // Without a name there is nothing to answer with.
  if (code === 'ERR_SSL_NO_SHARED_CIPHER' || code === 'ERR_SSL_NO_SUITABLE_SIGNATURE_ALGORITHM') return 'server_name';
  return 'not_tls';
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  way: Way & { readonly isCrowded: boolean },
): Promise<void> {
  const { connection } = way;
  const { target, note, findSecrets } = connection;
  const progress = { status: null as number | null, sent_bytes: 0, received_bytes: 0 };
  let checked: OutgoingRequest | null = null;
  try {
    if (way.isCrowded || !connection.countRequest()) throw new Cut('too_many');
    const found = checkRequest(request, target, findSecrets);
    if ('reason' in found) throw new Cut(found.reason);
    checked = found;
    const body = await bodyOf(request, checked, connection);
    await forwardRequest(checked, body, response, way, progress);
    await note({ event: 'answered', ...said(checked), ...progress });
  } catch (error) {
    const reason = error instanceof Cut ? error.reason : null;
    await note({
      event: reason === null ? 'answered' : 'refused',
      reason,
      ...spoken(request, checked, reason),
      ...progress,
    });
    if (reason === null || response.headersSent) return void response.destroy();
    refuse(response, reason, target.host);
  }
}

/** In the status line too: some programs show the body of a refusal, others that line alone. */
function refuse(response: ServerResponse, reason: EgressReason, host: string): void {
  const refused = refusal(reason);
  const words = `agentcompany: ${refusalWords(refused, host)}`;
  response.writeHead(refused.status, words, { 'content-type': 'text/plain', 'connection': 'close' }).end(`${words}\n`);
}

/** A body is read whole before anything of it goes out: it is searched like the rest. */
async function bodyOf(
  request: IncomingMessage,
  { method }: OutgoingRequest,
  { budget, target, findSecrets }: EgressConnection,
): Promise<Buffer> {
  if (isBodiless(method)) return Buffer.alloc(0);
  const left = budget.left(target.rule, 'upload');
  const chunks: Buffer[] = [];
  let total = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    total += chunk.length;
    if (total > left) throw new Cut('upload');
    chunks.push(chunk);
  }
  const body = Buffer.concat(chunks);
  if (findSecrets(body.toString('latin1')).length > 0) throw new Cut('secret');
  return body;
}

type Said = Pick<EgressFact, 'method' | 'path'>;

function said({ method, path }: OutgoingRequest): Said {
  return { method, path: path.slice(0, recordedPath) };
}

/** What was asked, as far as it may stand on record: a request with a secret leaves nothing of it. */
function spoken(request: IncomingMessage, checked: OutgoingRequest | null, reason: EgressReason | null): Said {
  if (reason === 'secret') return { method: request.method ?? null, path: null };
  return checked === null
    ? { method: request.method ?? null, path: (request.url ?? '').slice(0, recordedPath) }
    : said(checked);
}
