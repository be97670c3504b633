import type { EgressReason } from '@agentcompany/protocol';

/** Why something is not let out, and the status that says so to a client of HTTP. */
export interface Refusal {
  readonly reason: EgressReason;
  readonly status: number;
  /** For the program that asked; nothing of what it asked for. */
  readonly text: string;
}

const refusals: Readonly<Record<EgressReason, readonly [number, string]>> = {
  name: [400, 'a host name and a port are expected, no address and no other spelling'],
  host: [403, 'this host is not in egress_allow; docs/egress.md says how it is opened'],
  port: [403, 'this port is not open for this host: 443, or those egress_allow names'],
  address: [403, 'the host has an address that is none of the public network'],
  unresolved: [502, 'no address was found for the host'],
  unreachable: [502, 'the host could not be reached'],
  not_recorded: [503, 'the request could not be put on record'],
  too_many: [429, 'this attempt has asked too often, or has too many connections'],
  not_tls: [400, 'only TLS is let out'],
  server_name: [403, 'the name in the TLS handshake is not that of the connection, or is absent or encrypted'],
  malformed: [400, 'this is no sound HTTP/1.1 request'],
  host_header: [421, 'the Host header does not name the host of the connection'],
  target: [400, 'a path of at most 2048 plain characters is expected'],
  path: [403, 'this path is not in egress_allow'],
  method: [405, 'this method is not in egress_allow'],
  body: [400, 'GET and HEAD have no body'],
  secret: [403, 'the request holds a secret'],
  upload: [413, 'the attempt would send more than it may: upload_bytes of egress_limits, or of the host'],
  // No server's error: programs try those again.
  download: [403, 'the attempt would get more than it may: download_bytes of egress_limits, or of the host'],
  silent: [504, 'nothing came for too long'],
};

export function refusal(reason: EgressReason): Refusal {
  const [status, text] = refusals[reason];
  return { reason, status, text };
}

/** What a program is told: of a host whose name may be said, with its name, since tools ask several and show only this. */
export function refusalWords({ text }: Refusal, host: string | null): string {
  return host === null ? text : `${host}: ${text}`;
}

/** Ends a stream of bytes that may not go on. */
export class Cut extends Error {
  readonly reason: EgressReason;

  constructor(reason: EgressReason) {
    super(refusal(reason).text);
    this.reason = reason;
  }
}
