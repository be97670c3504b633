import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import type { EscapeBait } from '@agentcompany/protocol';

/** Where engines usually have their end of a bridge; it may be there without being an address of ours. */
const usualBridges = ['172.17.0.1', '10.0.2.2'];

/** What lies on the host to be found by a worker that gets out, and what has been heard of one. */
export interface HostBait {
  readonly bait: EscapeBait;
  /** Connections and datagrams that arrived, in words. */
  heard(): readonly string[];
  close(): Promise<void>;
}

function addresses(): readonly string[] {
  const own = Object.values(networkInterfaces()).flatMap((list) => (list ?? []).map(({ address }) => address));
  // A link-local address needs the name of an interface, which a worker has not.
  return [...new Set([...own.filter((address) => !address.startsWith('fe80:')), '127.0.0.1', ...usualBridges])];
}

async function listen(server: Server, where: { readonly port: number } | { readonly path: string }): Promise<void> {
  server.listen(where);
  await once(server, 'listening');
}

/**
 * Puts out what the attempts go for: listeners on every address and in the abstract name space, a key in a file of `folder` that
 * everybody may read, and a process that carries the key in its arguments and environment. Rejects where this machine cannot.
 */
export async function putOutBait(folder: string): Promise<HostBait> {
  const canary = `sk-canary-${randomUUID()}`;
  const file = join(folder, 'host-key');
  await writeFile(file, canary, { mode: 0o644 });
  const heard: string[] = [];
  const hear = (what: string) => () => void heard.push(what);
  const tcp = createServer(hear('a TCP connection'));
  const abstract = createServer(hear('a connection to an abstract Unix socket'));
  const abstractName = `agentcompany-${randomUUID()}`;
  const udp = createSocket('udp4', hear('a datagram'));
  await listen(tcp, { port: 0 });
  await listen(abstract, { path: `\0${abstractName}` });
  udp.bind(0);
  await once(udp, 'listening');
  // It waits for the end of its input, so that it ends with this process whatever happens.
  const carrier = spawn(process.execPath, ['-e', 'process.stdin.resume()', canary], {
    env: { AGENTCOMPANY_CANARY: canary },
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  const carrierEnded = once(carrier, 'close');
  const address = tcp.address();
  return {
    bait: {
      nonce: randomUUID(),
      addresses: [...addresses()],
      tcp_port: typeof address === 'object' && address !== null ? address.port : 0,
      udp_port: udp.address().port,
      abstract_name: abstractName,
      files: [file],
      canary_reversed: [...canary].toReversed().join(''),
    },
    heard: () => heard,
    close: async () => {
      carrier.stdin.end();
      tcp.close();
      abstract.close();
      udp.close();
      await carrierEnded;
    },
  };
}
