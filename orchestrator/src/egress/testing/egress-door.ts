import { once, type EventEmitter } from 'node:events';
import type { ClientHttp2Stream } from 'node:http2';
import { connect, type TLSSocket } from 'node:tls';
import { success, type EgressFact, type EgressRule, type EgressSettings } from '@agentcompany/protocol';
import { onTestFinished } from 'vitest';
import { openTestDoor, readAnswer, type DoorAnswer } from '../../door/testing/open-test-door.ts';
import { knownSecretFinder } from '../../text/find-secrets.ts';
import type { EgressLimits } from '../egress-limits.ts';
import type { EgressNetwork } from '../network.ts';
import { openEgress, type OpenedEgress } from '../open-egress.ts';

export const canary = 'canary-7f3a91c2e5d84b60';

export function rule(host: string, more: Partial<EgressRule> = {}): EgressRule {
  const defaults = { ports: [443], inspect: true, methods: ['GET', 'HEAD'] as EgressRule['methods'], paths: ['/'] };
  return { ...defaults, upload_bytes: null, download_bytes: null, host, ...more };
}

export interface EgressDoor {
  readonly egress: OpenedEgress;
  /** What is on record. */
  readonly facts: EgressFact[];
  /** What was refused, by reason. */
  readonly refused: () => readonly (string | null)[];
  /** Asks the door for a connection. */
  readonly connect: (authority: string) => ClientHttp2Stream;
  /** The answer to a CONNECT that is refused. */
  readonly refusal: (authority: string) => Promise<DoorAnswer>;
  /** TLS over a connection, as a client that trusts what the order gave it. */
  readonly secure: (authority: string, options?: { serverName?: string; trusted?: string }) => Promise<TLSSocket>;
  /** Writes these bytes into a secured connection and reads until it ends. */
  readonly ask: (
    authority: string,
    request: string,
    options?: { serverName?: string; trusted?: string },
  ) => Promise<string>;
}

interface Options {
  readonly network: EgressNetwork;
  readonly allow: readonly EgressRule[];
  readonly limits?: Partial<EgressLimits>;
  readonly settings?: Partial<EgressSettings>;
  /** False: nothing can be put on record. */
  readonly isRecording?: () => boolean;
}

/** A door with a way out, and a worker with its order on the other side. */
export async function openEgressDoor(options: Options): Promise<EgressDoor> {
  const facts: EgressFact[] = [];
  const settings = { allow: [...options.allow], upload_bytes: 1_048_576, download_bytes: 2 ** 30, ...options.settings };
  const egress = await openEgress({
    settings,
    network: options.network,
    findSecrets: knownSecretFinder([{ name: 'CANARY', value: canary }]),
    record: async (some) => {
      if (options.isRecording?.() === false)
        return { ok: false, error: { code: '', message: '', cause: null, remedy: '', retry: 'later' } };
      facts.push(...some);
      return success();
    },
    ...(options.limits === undefined ? {} : { limits: options.limits }),
  });
  onTestFinished(() => egress.close());
  const door = await openTestDoor({ egress });
  const connectTo = (authority: string): ClientHttp2Stream => {
    const stream = door.client.request({ ':method': 'CONNECT', ':authority': authority });
    stream.on('error', () => undefined);
    return stream;
  };
  const secure: EgressDoor['secure'] = async (authority, { serverName, trusted } = {}) => {
    const stream = connectTo(authority);
    const [headers] = (await once(stream, 'response')) as [{ ':status'?: number }];
    if (headers[':status'] !== 200) throw new Error(`refused: ${headers[':status']}`);
    const socket = connect({
      socket: stream,
      servername: serverName ?? authority.split(':')[0] ?? '',
      ca: [trusted ?? egress.certificate ?? ''],
    });
    socket.on('error', () => undefined);
    return socket;
  };
  return {
    egress,
    facts,
    refused: () => facts.filter(({ event }) => event === 'refused').map(({ reason }) => reason),
    connect: connectTo,
    refusal: (authority) => readAnswer(connectTo(authority)),
    secure,
    ask: async (authority, request, how) => {
      const socket = await secure(authority, how);
      const chunks: Buffer[] = [];
      socket.on('data', (chunk: Buffer) => chunks.push(chunk));
      socket.write(request);
      await closed(socket);
      return Buffer.concat(chunks).toString();
    },
  };
}

/** Resolves when it is closed, with an error or without. */
export function closed(stream: EventEmitter): Promise<void> {
  return new Promise((resolve) => void stream.once('close', resolve));
}

/** A plain request that ends its connection. */
export function request(method: string, target: string, host: string, ...headers: readonly string[]): string {
  return [`${method} ${target} HTTP/1.1`, `Host: ${host}`, 'Connection: close', ...headers, '', ''].join('\r\n');
}
