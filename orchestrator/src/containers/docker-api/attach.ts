import { request } from 'node:http';
import type { Socket } from 'node:net';
import type { Attachment } from '../container-engine.ts';
import { demultiplex } from './demultiplex.ts';

/**
 * Attaches to the standard streams of a container by an HTTP upgrade on the engine's socket. Done by hand because the
 * request must carry no body: podman would hand the bytes to the container's standard input.
 * Rejects with an error whose `statusCode` is the engine's answer when that is not an upgrade.
 */
export function attachStreams(socketPath: string, container: string, timeoutMs: number): Promise<Attachment> {
  return new Promise((resolve, reject) => {
    const call = request({
      socketPath,
      method: 'POST',
      path: `/containers/${encodeURIComponent(container)}/attach?stream=1&stdin=1&stdout=1&stderr=1`,
      headers: { 'Host': 'engine', 'Connection': 'Upgrade', 'Upgrade': 'tcp', 'Content-Length': '0' },
      agent: false,
      timeout: timeoutMs,
    });
    call.once('timeout', () => call.destroy(new Error(`no answer within ${timeoutMs} ms`)));
    call.once('error', reject);
    call.once('response', (response) => {
      response.resume();
      reject(
        Object.assign(new Error(`the engine answered ${response.statusCode}`), { statusCode: response.statusCode }),
      );
    });
    call.once('upgrade', (_response, socket: Socket, head) => {
      socket.setTimeout(0);
      resolve(demultiplex(socket, head));
    });
    call.end();
  });
}
