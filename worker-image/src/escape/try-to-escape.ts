import { connect, createServer } from 'node:net';
import { escapeBait, formatFinding } from '@agentcompany/protocol';
import { tryCalls } from './try-calls.ts';
import { tryHost } from './try-host.ts';
import { tryNetwork } from './try-network.ts';
import { tryWrites } from './try-writes.ts';
import { judgeAll } from './verdict.ts';

/** That a connection to itself works: where nothing can be reached at all, failing to reach the host would prove nothing. */
function reachesItself(): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer((socket) => socket.destroy());
    server.once('error', () => resolve(false));
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      const client = connect(typeof address === 'object' && address !== null ? address.port : 0, '127.0.0.1');
      const end = (worked: boolean): void => {
        client.destroy();
        server.close();
        resolve(worked);
      };
      client.once('connect', () => end(true));
      client.once('error', () => end(false));
    });
  });
}

/**
 * The program that tries to get out of a worker: makes every attempt of `escapeAttempts` but those the host judges, and prints
 * one line for each, after one that repeats the order's nonce. It is told in one JSON argument what there is to be found
 * (`escapeBait`). Runs as what is least trusted in a worker runs: as a command of a task.
 */
export async function tryToEscape(argument: string, print: (line: string) => void): Promise<void> {
  const bait = escapeBait.parse(JSON.parse(argument));
  print(`nonce ${bait.nonce}`);
  print(`itself ${(await reachesItself()) ? 'reached' : 'unreachable'}`);
  const trials = [
    ...(await tryNetwork(bait)),
    ...(await tryWrites()),
    ...(await tryHost(bait)),
    // Last: what works there changes the container.
    ...(await tryCalls(bait)),
  ];
  for (const finding of judgeAll(trials)) print(formatFinding(finding));
}
