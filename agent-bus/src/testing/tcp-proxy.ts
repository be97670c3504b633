import { once } from 'node:events';
import { createConnection, createServer, type AddressInfo, type Socket } from 'node:net';

/** A wire between a client and a server on 127.0.0.1 that a test can cut. */
export interface TcpProxy {
  readonly port: number;
  /** Drops every connection; new ones are let in. */
  cut(): void;
  /** While true, what the server says is thrown away: answers are lost although the server has done its part. */
  muffle(isMuffled: boolean): void;
  close(): Promise<void>;
}

/** Passes bytes on to `port`; `change` rewrites what the server says. */
export async function startTcpProxy(
  port: number,
  change: (said: Buffer) => Buffer = (said) => said,
): Promise<TcpProxy> {
  const sockets = new Set<Socket>();
  let isMuffled = false;
  const server = createServer((near) => {
    const far = createConnection({ port, host: '127.0.0.1' });
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        sockets.delete(socket);
        near.destroy();
        far.destroy();
      });
    }
    near.pipe(far);
    far.on('data', (said) => {
      if (!isMuffled) near.write(change(said));
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const cut = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    port: (server.address() as AddressInfo).port,
    cut,
    muffle: (muffled) => {
      isMuffled = muffled;
    },
    close: async () => {
      server.close();
      cut();
      await once(server, 'close');
    },
  };
}
