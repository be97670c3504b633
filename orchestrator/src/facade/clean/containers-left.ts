import { success, type Result } from '@agentcompany/protocol';
import type { ContainerEngine, OwnedContainer } from '../../containers/container-engine.ts';
import { labelNames } from '../../containers/worker-labels.ts';
import { ownerText, type KnownAttempt } from './attempt-ledger.ts';
import type { Leftover } from './leftover.ts';

export interface ContainersOptions {
  readonly engine: ContainerEngine;
  /** The uuid of the home: nothing of another is even looked at. */
  readonly instance: string;
  readonly known: ReadonlyMap<string, KnownAttempt>;
  /** An engine is at work: then only what the ledger says has ended may go. */
  readonly hasEngine: boolean;
}

/** Containers of this home that no attempt needs. Their root is read-only and their workspace in memory: they hold no disk. */
export async function containersLeft(options: ContainersOptions): Promise<Result<readonly Leftover[]>> {
  const { engine, instance, known } = options;
  const owned = await engine.list(instance);
  if (!owned.ok) return owned;
  const left = owned.value.filter((container) => isLeft(container, options));
  return success(
    left.map(({ id, labels }) => {
      const attempt = labels[labelNames.attempt] ?? '';
      return {
        kind: 'container' as const,
        name: id,
        owner: ownerText(attempt, known.get(attempt)),
        bytes: 0,
        remove: () => engine.remove(id),
      };
    }),
  );
}

function isLeft({ labels, running }: OwnedContainer, { instance, known, hasEngine }: ContainersOptions): boolean {
  if (labels[labelNames.instance] !== instance) return false;
  // One of `agentcompany doctor`, which needs no engine; it ends by itself.
  if (running && labels[labelNames.run] === 'doctor') return false;
  return !hasEngine || known.get(labels[labelNames.attempt] ?? '')?.hasEnded === true;
}
