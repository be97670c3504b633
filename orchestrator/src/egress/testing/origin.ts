import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import { connect, type AddressInfo } from 'node:net';
import { callbackify } from 'node:util';
import { onTestFinished } from 'vitest';
import { createAttemptAuthority } from '../inspect/attempt-authority.ts';
import type { EgressNetwork } from '../network.ts';

/** An address of the public network that no test ever reaches. */
export const publicAddress = '93.184.215.14';

/** A real TLS server on the loopback interface, and a network on which it has public names. */
export interface Origin {
  readonly network: EgressNetwork;
  /** PEM of the authority that signed for it. */
  readonly certificate: string;
  /** What it was asked: method, host and target. */
  readonly asked: { readonly method: string; readonly host: string; readonly url: string; readonly headers: object }[];
  /** Where connections went: address and port. */
  readonly connections: string[];
  /** Every name that was resolved. */
  readonly lookups: string[];
}

export interface OriginOptions {
  readonly hosts: readonly string[];
  readonly handle: (request: IncomingMessage, response: ServerResponse) => void;
  /** What a name resolves to, by the number of the question; the public address where this says nothing. */
  readonly addresses?: (host: string, number: number) => readonly string[] | undefined;
}

/** Starts one; the only place where a public name leads to this machine is the `connect` that is handed in here. */
export async function startOrigin({ hosts, handle, addresses }: OriginOptions): Promise<Origin> {
  const authority = await createAttemptAuthority();
  const asked: Origin['asked'] = [];
  const server = createServer({
    SNICallback: callbackify(async (name: string) => {
      if (!hosts.includes(name)) throw new Error('unknown');
      return authority.contextFor(name);
    }),
  });
  server.on('request', (request, response) => {
    const { method = '', url = '', headers } = request;
    asked.push({ method, url, host: headers.host ?? '', headers });
    handle(request, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port: realPort } = server.address() as AddressInfo;
  const connections: string[] = [];
  const lookups: string[] = [];
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  const network: EgressNetwork = {
    resolve: async (host) => {
      lookups.push(host);
      const found = addresses?.(host, lookups.filter((name) => name === host).length);
      if (found === undefined && !hosts.includes(host)) throw new Error('ENOTFOUND');
      return found ?? [publicAddress];
    },
    connect: (address, port) => {
      connections.push(`${address}:${port}`);
      return connect(realPort, '127.0.0.1');
    },
    authorities: [authority.certificate],
  };
  return { network, certificate: authority.certificate, asked, connections, lookups };
}
