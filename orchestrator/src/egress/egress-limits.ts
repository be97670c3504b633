/** What one attempt may do at the way out, besides its bytes. */
export interface EgressLimits {
  /** Connections at a time: each is a stream of the door. */
  readonly openConnections: number;
  readonly connections: number;
  readonly requests: number;
  /** Milliseconds a client may take for its first words, and a host to be reached. */
  readonly helloMs: number;
  readonly connectMs: number;
  /** Milliseconds without a byte, either way, after which a connection ends. */
  readonly idleMs: number;
  /** Milliseconds a connection may last. */
  readonly lifeMs: number;
}

export const defaultEgressLimits: EgressLimits = {
  openConnections: 48,
  connections: 2000,
  requests: 20_000,
  helloMs: 10_000,
  connectMs: 10_000,
  idleMs: 60_000,
  lifeMs: 3_600_000,
};
