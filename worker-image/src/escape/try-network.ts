import { createSocket } from 'node:dgram';
import { Resolver, lookup } from 'node:dns/promises';
import { readdir, readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import type { EscapeAttemptId, EscapeBait } from '@agentcompany/protocol';
import { trial, type Trial } from './verdict.ts';

/** What leads nowhere says so at once; an address that swallows packets has this long. */
const patienceMs = 1500;
const publicAddresses = ['1.1.1.1', '8.8.8.8', '2606:4700:4700::1111', '2001:4860:4860::8888'];
const metadataAddresses = ['169.254.169.254', '169.254.170.2', 'fd00:ec2::254'];
/** Ports at which engines listen where somebody made them: Docker without and with TLS, Podman. */
const enginePorts = [2375, 2376, 8080];
const isUp = 1;

function reach(host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, timeout: patienceMs });
    const end = (error?: Error): void => {
      socket.destroy();
      if (error === undefined) resolve();
      else reject(error);
    };
    socket.once('connect', () => end());
    socket.once('timeout', () => end(new Error('no answer')));
    socket.once('error', end);
  });
}

/** Sends one datagram. That it left is no proof that it arrived: what arrives, the host counts. */
function send(host: string, port: number): Promise<void> {
  const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
  return new Promise<void>((resolve, reject) => {
    socket.once('error', reject);
    socket.send('agentcompany', port, host, (error) => (error === null ? resolve() : reject(error)));
  }).finally(() => socket.close());
}

const each = (
  id: EscapeAttemptId,
  hosts: readonly string[],
  ports: readonly number[],
  attempt: (host: string, port: number) => Promise<void>,
): readonly Promise<Trial>[] =>
  hosts.flatMap((host) => ports.map((port) => trial(id, `${host} port ${port}`, () => attempt(host, port))));

async function interfaces(): Promise<readonly Trial[]> {
  const id = 'network.interfaces';
  const root = '/sys/class/net';
  const names = await readdir(root).catch(() => []);
  const flags = await Promise.all(names.map((name) => readFile(`${root}/${name}/flags`, 'utf8').catch(() => '1')));
  const up = names.filter((name, index) => name !== 'lo' && (Number(flags[index]) & isUp) === isUp);
  return up.length === 0
    ? [{ id, name: 'interfaces', problem: 'none' }]
    : up.map((name) => ({ id, name, problem: null }));
}

function asking(server: string): Promise<unknown> {
  const resolver = new Resolver({ timeout: patienceMs, tries: 1 });
  resolver.setServers([server]);
  return resolver.resolve4('example.com');
}

/** Attempts that every program can make. */
export async function tryNetwork(bait: EscapeBait): Promise<readonly Trial[]> {
  const beyond = bait.addresses.filter((address) => !/^(127\.|::1$)/.test(address));
  const trials = await Promise.all([
    ...each('network.host', bait.addresses, [bait.tcp_port], reach),
    ...each('network.datagram', beyond, [bait.udp_port], send),
    ...each('network.internet', publicAddresses, [443], reach),
    ...each('network.internet', publicAddresses, [53], send),
    ...each('network.metadata', metadataAddresses, [80], reach),
    ...each('network.engine', bait.addresses, enginePorts, reach),
    trial('network.names', 'lookup', () => lookup('example.com')),
    ...['8.8.8.8', '1.1.1.1', '127.0.0.11'].map((server) => trial('network.names', server, () => asking(server))),
  ]);
  return [...trials, ...(await interfaces())];
}
