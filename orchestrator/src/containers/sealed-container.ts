import { failure, success, type Result } from '@agentcompany/protocol';
import type { DoorLimits } from '../door/door-limits.ts';
import { openWaitingDoor, type WaitingDoor } from '../door/open-door.ts';
import { compareInspect } from './compare-inspect.ts';
import { confinementDifferences, withHostLimits } from './confinement.ts';
import type { Attachment, ContainerEngine, EngineInfo } from './container-engine.ts';
import { createBody, type EngineFeatures } from './create-body.ts';
import { containerErrors } from './errors.ts';
import { hostLimits } from './host-limits.ts';
import { memoryPlaces, type WorkerContainer } from './worker-container.ts';

/** What every sealed container of one host is made with. */
export interface SealedTerms {
  readonly engine: ContainerEngine;
  readonly info: EngineInfo;
  readonly features: EngineFeatures;
  readonly doorLimits: DoorLimits;
  /** `accept_no_limits`: go on although the engine does not enforce limits (S12). */
  readonly acceptNoLimits: boolean;
}

/** A container that exists, is as was asked, and whose streams are attached. It is not started, and the caller's to remove. */
export interface SealedContainer {
  readonly id: string;
  readonly container: WorkerContainer;
  readonly attachment: Attachment;
}

/**
 * Creates a container and compares what the engine made with what was asked (S1); what differs is removed again.
 * Errors: those of the engine, `AC_WORKER_CONFINEMENT`.
 */
export async function createSealed(
  { engine, features }: SealedTerms,
  container: WorkerContainer,
): Promise<Result<SealedContainer>> {
  const created = await engine.create(container);
  if (!created.ok) return created;
  const { id } = created.value;
  const checked = await compareMade(engine, id, container, features);
  // Only now: Podman describes a container in other words once somebody is attached to it.
  const attached = checked.ok ? await engine.attach(id) : checked;
  if (attached.ok) return success({ id, container, attachment: attached.value });
  await engine.remove(id);
  return attached;
}

async function compareMade(
  engine: ContainerEngine,
  id: string,
  container: WorkerContainer,
  features: EngineFeatures,
): Promise<Result<undefined>> {
  const made = await engine.inspect(id);
  if (!made.ok) return made;
  const differences = compareInspect(createBody(container, features), made.value.raw, features);
  if (differences.length === 0) return success();
  return failure(containerErrors.AC_WORKER_CONFINEMENT({ difference: differences.join('; ') }));
}

/** A container with a worker in it, or about to be: its door is open. */
export interface SealedWorker extends SealedContainer {
  readonly door: WaitingDoor;
  /** Closes the door, and removes the container and all that was made for it. May be called again; a failure is that of the removal. */
  dispose(): Promise<Result<undefined>>;
}

/** Opens the door of a container. `release` frees what was made for it besides, once it is gone. */
export function openWorkerDoor(
  { engine, features, doorLimits, acceptNoLimits }: SealedTerms,
  sealed: SealedContainer,
  release: () => Promise<void> | undefined = () => undefined,
): SealedWorker {
  const { id, container, attachment } = sealed;
  const door = openWaitingDoor(attachment.door, {
    limits: doorLimits,
    differences: async (report) => {
      const seen = await withHostLimits(report, () => hostLimits(engine, id));
      const { limits } = container;
      return confinementDifferences(seen, { ...features, limits, places: memoryPlaces(container), acceptNoLimits });
    },
  });
  let disposing: Promise<Result<undefined>> | null = null;
  const dispose = async (): Promise<Result<undefined>> => {
    door.close();
    attachment.close();
    // A removal that fails leaves a labelled container: the next sweep finds it.
    const gone = await engine.remove(id);
    await release();
    return gone;
  };
  return { ...sealed, door, dispose: () => (disposing ??= dispose()) };
}
