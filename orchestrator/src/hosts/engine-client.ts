import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import http, { type IncomingMessage, type RequestOptions } from 'node:http';
import https from 'node:https';
import { pipeline } from 'node:stream/promises';
import { Readable } from 'node:stream';
import { createInterface } from 'node:readline';
import { failure, success, type AppError, type Result } from '@agentcompany/protocol';
import { hostModelLine, type HostModelLine } from '../contract/host-models.ts';
import { companyTerms, hostPaths, problemDocument, tipHeader, type CompanyTerms } from '../contract/worker-hosts.ts';
import { hostErrors } from './errors.ts';

export interface EngineClientOptions {
  /** `http://host:port` or `https://host:port`. */
  readonly address: string;
  readonly token: string;
}

/** The engine home as a worker host sees it. Errors: `AC_HOST_ENGINE_AWAY`, `AC_HOST_TOKEN`, `AC_HOST_REFUSED`. */
export interface EngineClient {
  terms(signal: AbortSignal): Promise<Result<CompanyTerms>>;
  /** Resolves once the engine home has the bundle on its disk. May be repeated. */
  upload(
    bundle: { readonly attemptId: string; readonly sha256: string; readonly bytes: number; readonly file: string },
    signal: AbortSignal,
  ): Promise<Result<undefined>>;
  /** Resolves once the engine home has the log on its disk. */
  uploadLog(
    log: { readonly runId: string; readonly attemptId: string; readonly content: Buffer },
    signal: AbortSignal,
  ): Promise<Result<undefined>>;
  /** Asks the model of an attempt; never throws, and what keeps the answer from coming is its last line. */
  askModel(
    asked: { readonly runId: string; readonly attemptId: string; readonly request: unknown },
    signal: AbortSignal,
  ): AsyncIterable<HostModelLine>;
  /** Stores the pack that leads from `have` to the run's tip in `file`; `isEmpty` where there was nothing to send. */
  pack(
    wanted: {
      readonly projectId: string;
      readonly runId: string;
      readonly have: readonly string[];
      readonly file: string;
    },
    signal: AbortSignal,
  ): Promise<Result<{ readonly tip: string; readonly isEmpty: boolean }>>;
}

/** Milliseconds without a byte after which a connection counts as cut. */
const idleMs = 30_000;
/** Milliseconds the engine home may take to put a pack together. */
const packingMs = 660_000;
const maximumAnswerBytes = 65_536;

interface Call {
  readonly method: string;
  readonly path: string;
  readonly signal: AbortSignal;
  readonly headers?: Readonly<Record<string, string | number>>;
  readonly body?: Readable | string;
  readonly patienceMs?: number;
}

/** A client that opens a connection for each call: a cut link then breaks one call and not those after it. Error: `AC_HOST_ADDRESS`. */
export function openEngineClient({ address, token }: EngineClientOptions): Result<EngineClient> {
  if (!URL.canParse(address)) return failure(hostErrors.AC_HOST_ADDRESS({ address }));
  const url = new URL(address);
  const isPlain = url.protocol === 'http:';
  const isUsable =
    (isPlain || url.protocol === 'https:') && url.pathname === '/' && url.username === '' && url.search === '';
  if (!isUsable) return failure(hostErrors.AC_HOST_ADDRESS({ address }));

  const call = async <Value>(
    request: Call,
    read: (answer: IncomingMessage) => Promise<Result<Value>>,
  ): Promise<Result<Value>> => {
    try {
      const answer = await send(url, token, isPlain, request);
      answer.setTimeout(idleMs, () => answer.destroy(new Error('the connection stood still')));
      const status = answer.statusCode ?? 0;
      return status >= 200 && status < 300 ? await read(answer) : failure(await explain(url.origin, answer));
    } catch (cause) {
      return failure(hostErrors.AC_HOST_ENGINE_AWAY({ address: url.origin }, cause));
    }
  };
  return success({
    terms: (signal) =>
      call({ method: 'GET', path: hostPaths.company, signal }, async (answer) => {
        const terms = companyTerms.safeParse(JSON.parse(await text(answer)));
        return terms.success
          ? success(terms.data)
          : failure(hostErrors.AC_HOST_REFUSED({ address: url.origin, problem: 'its answer is not understood' }));
      }),
    upload: ({ attemptId, sha256, bytes, file }, signal) =>
      call(
        {
          method: 'PUT',
          path: hostPaths.artifact(sha256, attemptId),
          signal,
          headers: { 'content-type': 'application/octet-stream', 'content-length': bytes },
          body: createReadStream(file),
        },
        async (answer) => {
          await text(answer);
          return success();
        },
      ),
    uploadLog: ({ runId, attemptId, content }, signal) => {
      const sha256 = createHash('sha256').update(content).digest('hex');
      const headers = { 'content-type': 'application/octet-stream', 'content-length': content.length };
      const path = hostPaths.log(sha256, runId, attemptId);
      return call({ method: 'PUT', path, signal, headers, body: Readable.from([content]) }, async (answer) => {
        await text(answer);
        return success();
      });
    },
    askModel: ({ runId, attemptId, request }, signal) => {
      const path = hostPaths.model(runId, attemptId);
      const headers = { 'content-type': 'application/json' };
      return readLines(url.origin, () =>
        send(url, token, isPlain, { method: 'POST', path, signal, headers, body: JSON.stringify(request) }),
      );
    },
    pack: ({ projectId, runId, have, file }, signal) =>
      call(
        {
          method: 'POST',
          path: hostPaths.pack(projectId),
          signal,
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ run: runId, have }),
          patienceMs: packingMs,
        },
        (answer) => receivePack(answer, file, signal),
      ),
  });
}

function send(url: URL, token: string, isPlain: boolean, request: Call): Promise<IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const options: RequestOptions = {
    method: request.method,
    path: request.path,
    headers: { authorization: `Bearer ${token}`, ...request.headers },
    agent: false,
    signal: request.signal,
    timeout: request.patienceMs ?? idleMs,
  };
  const sent = isPlain ? http.request(url, options) : https.request(url, options);
  sent.on('response', resolve);
  sent.on('error', reject);
  sent.on('timeout', () => sent.destroy(new Error('the connection stood still')));
  const { body } = request;
  if (typeof body === 'object') {
    // A refusal may come while the body is still on its way: then it is what counts.
    pipeline(body, sent).catch(reject);
  } else sent.end(body);
  return promise;
}

async function* readLines(address: string, ask: () => Promise<IncomingMessage>): AsyncGenerator<HostModelLine> {
  const failed = (error: AppError): HostModelLine => ({ type: 'failed', error, retryAfterMs: null });
  try {
    const answer = await ask();
    answer.setTimeout(idleMs, () => answer.destroy(new Error('the connection stood still')));
    if (answer.statusCode !== 200) {
      yield failed(await explain(address, answer));
      return;
    }
    let isWhole = false;
    for await (const line of createInterface({ input: answer })) {
      if (line === '') continue;
      const parsed = hostModelLine.parse(JSON.parse(line));
      isWhole = parsed.type === 'end' || parsed.type === 'failed';
      yield parsed;
    }
    if (!isWhole) yield failed(hostErrors.AC_HOST_ENGINE_AWAY({ address }, 'its answer broke off'));
  } catch (cause) {
    yield failed(hostErrors.AC_HOST_ENGINE_AWAY({ address }, cause));
  }
}

async function receivePack(
  answer: IncomingMessage,
  file: string,
  signal: AbortSignal,
): Promise<Result<{ readonly tip: string; readonly isEmpty: boolean }>> {
  const tip = String(answer.headers[tipHeader] ?? '');
  if (answer.statusCode === 204) {
    answer.resume();
    return success({ tip, isEmpty: true });
  }
  try {
    await pipeline(answer, createWriteStream(file, { mode: 0o600, flags: 'wx' }), { signal });
    return success({ tip, isEmpty: false });
  } catch (cause) {
    await rm(file, { force: true });
    throw cause;
  }
}

async function text(answer: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > maximumAnswerBytes) throw new Error('the answer is too long');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** What a refusal means for this host: what may pass is asked again, a token that is refused ends the host. */
async function explain(address: string, answer: IncomingMessage) {
  const content = await text(answer);
  if (answer.statusCode === 401) return hostErrors.AC_HOST_TOKEN({ address });
  const problem = readProblem(content);
  if (problem === null) return hostErrors.AC_HOST_ENGINE_AWAY({ address }, `it answered ${answer.statusCode}`);
  const words = `${problem.code}: ${problem.title}`;
  return problem.retry === 'never'
    ? hostErrors.AC_HOST_REFUSED({ address, problem: words })
    : hostErrors.AC_HOST_ENGINE_AWAY({ address }, words);
}

function readProblem(content: string) {
  try {
    const parsed = problemDocument.safeParse(JSON.parse(content));
    return parsed.success ? parsed.data : null;
  } catch {
    return null;
  }
}
