import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The checkout: set-up put the worker runtime and the record of its image there. */
export const checkout = fileURLToPath(new URL('..', import.meta.url));

/** The id of the image workers run in, as set-up recorded it; both sides of a comparison run in this one. */
export function workerImage(): string {
  const record: unknown = JSON.parse(readFileSync(join(checkout, '.cache', 'worker-image.json'), 'utf8'));
  if (typeof record === 'object' && record !== null && 'id' in record && typeof record.id === 'string')
    return record.id;
  throw new Error('.cache/worker-image.json names no image: run node scripts/launch.mjs setup');
}
