import { request } from 'node:http';
import { json } from 'node:stream/consumers';

/** Podman serves its own calls under a version of its own only; those of version 4 are served by later ones. */
const path = '/v4.0.0/libpod/info';

/** What Podman says of itself in its own words, of which Docker's API has no place for some; null where it does not answer that. */
export function podmanInfo(socketPath: string, timeoutMs: number): Promise<unknown> {
  return new Promise((resolve) => {
    const call = request({ socketPath, path, headers: { Host: 'engine' }, agent: false, timeout: timeoutMs });
    call.once('timeout', () => call.destroy(new Error(`no answer within ${timeoutMs} ms`)));
    call.once('error', () => resolve(null));
    call.once('response', (response) => {
      json(response).then(
        (answer) => resolve(response.statusCode === 200 ? answer : null),
        () => resolve(null),
      );
    });
    call.end();
  });
}
