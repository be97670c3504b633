import { lookup } from 'node:dns/promises';
import { connect, type Socket } from 'node:net';

/** The network as the way out sees it: names are asked for, and connections made, through this alone. */
export interface EgressNetwork {
  /** Every address of a name, as a resolver writes them; rejects where there is none. */
  resolve(host: string): Promise<readonly string[]>;
  /** A connection to an address, never to a name. Failures are its `error` event. */
  connect(address: string, port: number): Socket;
  /** PEM of authorities that are trusted in place of Node's own. */
  readonly authorities?: readonly string[];
}

/** The network of this machine. */
export const machineNetwork: EgressNetwork = {
  resolve: async (host) => (await lookup(host, { all: true })).map(({ address }) => address),
  connect: (address, port) => connect({ host: address, port, autoSelectFamily: false, noDelay: true }),
};
