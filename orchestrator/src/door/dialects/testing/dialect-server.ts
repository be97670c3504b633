import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { firstProblem } from '@agentcompany/protocol';
import type { AttemptModels } from '../../attempt-services.ts';
import type { Dialect, DialectRequest } from '../dialect.ts';

export interface DialectServer {
  readonly url: string;
  /** `POST /v1/messages 200`, in their order. */
  readonly served: readonly string[];
  close(): Promise<void>;
}

/** A wire format over HTTP/1.1 on this machine, as code agents and the providers' libraries reach it inside a worker. */
export async function openDialectServer(dialect: Dialect, models: AttemptModels): Promise<DialectServer> {
  const served: string[] = [];
  const server = createServer((request, response) => {
    response.once('close', () => served.push(`${request.method} ${request.url} ${response.statusCode}`));
    void dialect.serve(toDialectRequest(request, response, models)).then((isServed) => {
      if (!isServed) response.writeHead(404).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    served,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function toDialectRequest(request: IncomingMessage, response: ServerResponse, models: AttemptModels): DialectRequest {
  const url = new URL(request.url ?? '/', 'http://loopback');
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  return {
    method: request.method ?? '',
    path: url.pathname,
    query: url.searchParams,
    headers: request.headers,
    models,
    signal: gone.signal,
    readJson: async (schema) => {
      const parts: Buffer[] = [];
      for await (const part of request) parts.push(part as Buffer);
      const parsed = schema.safeParse(JSON.parse(Buffer.concat(parts).toString('utf8')));
      return parsed.success
        ? { ok: true, value: parsed.data }
        : { ok: false, status: 400, problem: firstProblem(parsed.error) };
    },
    answer: (status, body, headers = {}) => {
      response.writeHead(status, { 'content-type': 'application/json', ...headers });
      response.end(JSON.stringify(body));
    },
    stream: async (headers, pieces) => {
      response.writeHead(200, headers);
      for await (const piece of pieces) if (piece !== '') response.write(piece);
      response.end();
    },
  };
}
