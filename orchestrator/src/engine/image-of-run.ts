import type { Delivery } from '@agentcompany/agent-bus';
import { parsePayload, success, type PayloadOf, type Result } from '@agentcompany/protocol';
import { record } from '../company/decide/draft.ts';
import { imagePinKey } from '../company/image-pins.ts';
import type { Run } from '../company/records.ts';
import type { HostParts } from './host-parts.ts';
import { mint } from './mint.ts';

/** Milliseconds until an image that is not there is looked for again. */
const imageRecheckMs = 5000;

type Pin = NonNullable<PayloadOf<'attempt_started'>['image']>;

/** What a container of this run is to be made from. */
export interface ImageOfRun {
  readonly id: string;
  /** What is put on record of it; null where nothing was named: then the installation's own record says which it is. */
  readonly pin: Pin | null;
}

export interface ImageWanted {
  readonly image: string | null;
  /** The code agent that has to be in it; null where none has to. */
  readonly agent: string | null;
  /** A mirror on this machine that holds the run's base commit. */
  readonly mirrorFolder: string;
}

/**
 * The image of a run's containers on this host: what an earlier attempt put on record, whoever moved the tag since; else the one the
 * name stands for now (S14). Errors: those of `WorkerRunner.pinImage`; `AC_IMAGE_UNAVAILABLE` also where the one on record is gone.
 */
export async function imageOfRun(
  { instance, runner }: Pick<HostParts, 'instance' | 'runner'>,
  run: Run,
  { image, agent, mirrorFolder }: ImageWanted,
): Promise<Result<ImageOfRun>> {
  const devcontainer =
    image === null && run.settings.devcontainer && run.baseOid !== null
      ? { mirrorFolder, commit: run.baseOid, project: run.projectId }
      : null;
  const reference = image ?? (devcontainer === null ? null : 'devcontainer');
  const recorded = reference === null ? undefined : run.images.get(imagePinKey(instance, reference));
  const pinned = await runner.pinImage({ image, agent, devcontainer, pinned: recorded ?? null });
  if (!pinned.ok) return pinned;
  return success({ id: pinned.value, pin: reference === null ? null : { reference, id: pinned.value, instance } });
}

/**
 * Gives work back until its image is there: a task waits for that and does not fail (S14). The first time it says so where the run is
 * followed.
 */
export async function awaitImage(
  { bus, tell, log }: Pick<HostParts, 'bus' | 'tell' | 'log'>,
  run: Run,
  delivery: Delivery,
  error: { readonly message: string; readonly remedy: string },
): Promise<Result<unknown>> {
  const { envelope } = delivery;
  const assignment = parsePayload('task_assign', envelope.payload);
  const taskId = assignment.ok ? assignment.value.task.id : null;
  const details = { run: run.id, ...(taskId === null ? {} : { task: taskId }), error };
  const message = `waits: ${error.message}. ${error.remedy}`;
  const draft = record('task_progress', { attempt_id: envelope.id, message }, taskId === null ? {} : { taskId });
  const cause = `image awaited by ${envelope.id}`;
  const sent = await bus.send(await mint([draft], { sender: 'workers', runId: run.id, cause, inReplyTo: envelope.id }));
  // The second time is the same envelope with another time of day: it is told once.
  if (sent.ok) for (const say of [log, tell]) say('image-awaited', details);
  if (!sent.ok && sent.error.code !== 'AC_BUS_ID_CONFLICT') return sent;
  return bus.release(delivery, { notBefore: Date.now() + imageRecheckMs });
}
