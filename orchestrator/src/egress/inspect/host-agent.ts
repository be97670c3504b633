import { Agent } from 'node:https';
import type { Duplex } from 'node:stream';
import { connect } from 'node:tls';
import type { EgressConnection } from '../egress-connection.ts';

/** Keeps connections of one inspected connection to its host: each to the checked address, as the name that was asked for. */
export class HostAgent extends Agent {
  readonly #connection: EgressConnection;

  constructor(connection: EgressConnection) {
    super({ keepAlive: true, maxSockets: 4 });
    this.#connection = connection;
  }

  override createConnection(): Duplex {
    const { network, address, target } = this.#connection;
    return connect({
      socket: network.connect(address, target.port),
      servername: target.host,
      ALPNProtocols: ['http/1.1'],
      minVersion: 'TLSv1.2',
      ...(network.authorities === undefined ? {} : { ca: [...network.authorities] }),
    });
  }
}
