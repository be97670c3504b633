// @ts-check
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The checkout this script lies in. */
export const checkout = fileURLToPath(new URL('../..', import.meta.url)).replace(/[\\/]$/, '');

/**
 * Where set-up keeps what it makes. Everything in `.cache` may be deleted; the next start makes it again.
 * @param {string} root the checkout
 * @param {boolean} [rootless] whether the image is for an engine without root, which keeps images of its own
 */
export function cachePaths(root, rootless = false) {
  const cache = join(root, '.cache');
  return {
    cache,
    node: join(cache, 'node'),
    workerNode: join(cache, 'worker-node'),
    npm: join(cache, 'npm'),
    stamps: join(cache, 'stamps'),
    engineLog: join(cache, 'dockerd.log'),
    workerImage: join(cache, rootless ? 'worker-image-rootless.json' : 'worker-image.json'),
    imagesMade: join(cache, 'images-made.json'),
    rejectedLockfile: join(cache, 'package-lock.rejected.json'),
  };
}
