import { once } from 'node:events';
import { createServer, type Http2Session, type IncomingHttpHeaders, type ServerHttp2Stream } from 'node:http2';
import { request as httpRequest } from 'node:http';
import { duplexPair } from 'node:stream';
import { text } from 'node:stream/consumers';
import { describe, expect, it, onTestFinished } from 'vitest';
import { DoorClient } from '../door-client.ts';
import { openModelBridge, type ModelBridge } from './model-bridge.ts';

interface Host {
  readonly bridge: ModelBridge;
  /** The next request that reaches the host. */
  readonly next: () => Promise<readonly [ServerHttp2Stream, IncomingHttpHeaders]>;
  readonly cut: () => void;
}

/** A bridge to a host whose answers the test gives. */
async function openHost(): Promise<Host> {
  const [hostSide, workerSide] = duplexPair();
  const host = createServer();
  const came: (readonly [ServerHttp2Stream, IncomingHttpHeaders])[] = [];
  const waiting: ((request: readonly [ServerHttp2Stream, IncomingHttpHeaders]) => void)[] = [];
  host.on('stream', (stream, headers) => {
    stream.on('error', () => undefined);
    const waiter = waiting.shift();
    if (waiter === undefined) came.push([stream, headers]);
    else waiter([stream, headers]);
  });
  const sessions: Http2Session[] = [];
  host.on('session', (session) => sessions.push(session));
  host.emit('connection', hostSide);
  const bridge = await openModelBridge(new DoorClient(workerSide, () => undefined), async () => undefined);
  const cut = (): void => sessions.forEach((session) => session.destroy());
  onTestFinished(() => {
    bridge.close();
    cut();
  });
  const next: Host['next'] = () => {
    const [first] = came.splice(0, 1);
    return first === undefined ? new Promise((resolve) => waiting.push(resolve)) : Promise.resolve(first);
  };
  return { bridge, next, cut };
}

describe('the bridge between a code agent and its model', () => {
  it('S42 lets the wire format pass, and neither keys nor cookies nor what concerns one hop', async () => {
    const { bridge, next } = await openHost();
    const answer = fetch(`${bridge.address}/anthropic/v1/messages?beta=true`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'x-api-key': 'a key',
        'authorization': 'Bearer a key',
        'cookie': 'a=b',
        'anthropic-version': '2023-06-01',
        'x-forwarded-for': 'elsewhere',
      },
      body: '{"model":"m"}',
    });
    const [stream, headers] = await next();
    expect(headers).toMatchObject({
      ':method': 'POST',
      ':path': '/model/anthropic/v1/messages?beta=true',
      'content-type': 'application/json',
      'anthropic-version': '2023-06-01',
    });
    expect(JSON.stringify(headers)).not.toMatch(/a key|a=b|elsewhere|127\.0\.0\.1/);
    expect(await text(stream)).toBe('{"model":"m"}');
    stream.respond({ ':status': 200, 'content-type': 'application/json', 'set-cookie': 'c=d', 'request-id': 'r1' });
    stream.end('{"id":"x"}');
    const response = await answer;
    expect([response.status, response.headers.get('request-id'), response.headers.get('set-cookie')]).toEqual([
      200,
      'r1',
      null,
    ]);
    expect(await response.json()).toEqual({ id: 'x' });
  });

  it('hands on each piece as it comes, in both directions', async () => {
    const { bridge, next } = await openHost();
    const request = httpRequest(`${bridge.address}/openai/v1/responses`, { method: 'POST' });
    request.write('first');
    const [stream] = await next();
    expect(String((await once(stream, 'data'))[0])).toBe('first');
    request.end('second');
    expect(String((await once(stream, 'data'))[0])).toBe('second');
    stream.respond({ ':status': 200 });
    stream.write('piece one');
    const [response] = await once(request, 'response');
    expect(String((await once(response, 'data'))[0])).toBe('piece one');
    stream.end('piece two');
    expect(await text(response)).toBe('piece two');
  });

  it('gives a request up at the host when the agent gives it up', async () => {
    const { bridge, next } = await openHost();
    const gone = new AbortController();
    const answer = fetch(`${bridge.address}/gemini/v1beta/models/m:generateContent`, {
      method: 'POST',
      body: '{}',
      signal: gone.signal,
    });
    const [stream] = await next();
    gone.abort();
    await expect(answer).rejects.toThrow('aborted');
    if (!stream.closed) await once(stream, 'close');
    expect(stream.aborted || stream.destroyed).toBe(true);
  });

  it('remembers what the host refused, for the report', async () => {
    const { bridge, next } = await openHost();
    expect(bridge.refusal()).toBeNull();
    const answer = fetch(`${bridge.address}/openai/v1/responses`, { method: 'POST', body: '{}' });
    const [stream] = await next();
    stream.respond({ ':status': 402, 'content-type': 'application/json' });
    stream.end('{"error":"spent"}');
    const response = await answer;
    expect([response.status, await response.text()]).toEqual([402, '{"error":"spent"}']);
    expect(bridge.refusal()).toBe('402 {"error":"spent"}');
  });

  it('answers 502 when the host is gone, and 404 for what is no wire format', async () => {
    const { bridge, next, cut } = await openHost();
    const answer = fetch(`${bridge.address}/openai/v1/responses`, { method: 'POST', body: '{}' });
    await next();
    cut();
    expect((await answer).status).toBe(502);
    for (const path of ['/', '/v1', '/..%2f..', '//queue/next', '/Anthropic/v1'])
      expect((await fetch(`${bridge.address}${path}`)).status).toBe(404);
  });
});
