import { createHash } from 'node:crypto';
import type { SpareOwner, WorkerOwner } from './worker-container.ts';

/** Every label of ours starts so; an image that carries one is refused, since it could forge ownership (S13). */
export const labelPrefix = 'agentcompany.';

export const labelNames = {
  instance: `${labelPrefix}instance`,
  run: `${labelPrefix}run`,
  task: `${labelPrefix}task`,
  attempt: `${labelPrefix}attempt`,
  epoch: `${labelPrefix}epoch`,
  host: `${labelPrefix}host`,
  purpose: `${labelPrefix}purpose`,
  specification: `${labelPrefix}spec`,
} as const;

/** The labels that say who owns a container. `specification` is the text whose SHA-256 tells which create body made it. */
export function ownerLabels(owner: WorkerOwner | SpareOwner, specification: string): Record<string, string> {
  const about =
    'purpose' in owner
      ? { [labelNames.host]: owner.host, [labelNames.purpose]: owner.purpose }
      : {
          [labelNames.run]: owner.run,
          [labelNames.task]: owner.task,
          [labelNames.attempt]: owner.attempt,
          [labelNames.epoch]: String(owner.epoch),
        };
  return {
    [labelNames.instance]: owner.instance,
    ...about,
    [labelNames.specification]: createHash('sha256').update(specification).digest('hex'),
  };
}
