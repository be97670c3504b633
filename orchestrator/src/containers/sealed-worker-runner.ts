import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { failure, success, workerErrors, type Result, type WorkOrder } from '@agentcompany/protocol';
import { defaultDoorLimits, type DoorLimits } from '../door/door-limits.ts';
import { openDoor } from '../door/open-door.ts';
import { AttemptLog } from './attempt-log.ts';
import { compareInspect } from './compare-inspect.ts';
import { checkEngineLimits, confinementDifferences, withHostLimits } from './confinement.ts';
import type { Attachment, ContainerEngine } from './container-engine.ts';
import { createBody, engineFeatures, type EngineFeatures } from './create-body.ts';
import { containerErrors } from './errors.ts';
import { hostLimits } from './host-limits.ts';
import { checkOciRuntime } from './oci-runtime.ts';
import { PinnedImages, type PinnedImage } from './pinned-images.ts';
import type { WorkerContainer } from './worker-container.ts';
import { interruption } from './interruption.ts';
import { LeftBehind } from './left-behind.ts';
import { outcomeOf } from './worker-end.ts';
import { labelNames } from './worker-labels.ts';
import type { ImageRequest, WorkerJob, WorkerOutcome, WorkerRunner } from './worker-runner.ts';

export interface WorkerRunnerOptions {
  readonly engine: ContainerEngine;
  /** The uuid of this company home: containers of another are never touched (S17). */
  readonly instance: string;
  /** Image of workers whose project names none. */
  readonly defaultImage: string;
  /** Id of the image that has a code agent, for workers whose project names none; null, or absent: there is none. */
  readonly imageWithAgent?: (agent: string) => Promise<string | null>;
  /** Makes or finds the image that a repository describes; absent: what it says is not asked. */
  readonly buildDevcontainer?: (place: NonNullable<ImageRequest['devcontainer']>) => Promise<Result<string>>;
  /** Absolute host folder with the worker runtime, mounted read-only; null where images carry it at /opt/worker. */
  readonly runtimeFolder: string | null;
  /** `accept_no_limits`: go on although the engine does not enforce limits (S12). */
  readonly acceptNoLimits?: boolean;
  readonly doorLimits?: Partial<DoorLimits>;
}

/** See `WorkerRunner`. One object serves any number of jobs at once. */
class SealedWorkerRunner implements WorkerRunner {
  readonly #options: WorkerRunnerOptions;
  readonly #doorLimits: DoorLimits;
  readonly #images: PinnedImages;
  readonly #leftBehind: LeftBehind;
  readonly #closing = new AbortController();
  readonly #running = new Set<Promise<unknown>>();
  #features: EngineFeatures | null = null;

  constructor(options: WorkerRunnerOptions) {
    this.#options = options;
    this.#doorLimits = { ...defaultDoorLimits, ...options.doorLimits };
    this.#images = new PinnedImages(options.engine);
    this.#leftBehind = new LeftBehind(options.engine);
  }

  async run(job: WorkerJob): Promise<Result<WorkerOutcome>> {
    const work = this.#prepareAndRun({ ...job, signal: AbortSignal.any([job.signal, this.#closing.signal]) });
    this.#running.add(work);
    try {
      return await work;
    } finally {
      this.#running.delete(work);
    }
  }

  async sweep(isLive: (attempt: string) => boolean): Promise<Result<number>> {
    const { engine, instance } = this.#options;
    const owned = await engine.list(instance);
    if (!owned.ok) return owned;
    let removed = 0;
    for (const container of owned.value) {
      const attempt = container.labels[labelNames.attempt];
      if (container.labels[labelNames.instance] !== instance || (attempt !== undefined && isLive(attempt))) continue;
      const gone = await engine.remove(container.id);
      if (!gone.ok) return gone;
      removed += 1;
    }
    return success(removed);
  }

  /** Ends all running jobs as cancelled and waits until their containers are gone. */
  async close(): Promise<void> {
    this.#closing.abort();
    await Promise.allSettled(this.#running);
  }

  async #prepareAndRun(job: WorkerJob): Promise<Result<WorkerOutcome>> {
    if (job.signal.aborted) return failure(containerErrors.AC_WORKER_CANCELLED());
    const { engine, runtimeFolder } = this.#options;
    const features = await this.#engineFeatures();
    if (!features.ok) return features;
    const image = await this.#imageOf(job.image, agentOf(job.order));
    if (!image.ok) return image;
    const { owner, mirrorFolder, limits } = job;
    const container: WorkerContainer = { owner, imageId: image.value.id, mirrorFolder, runtimeFolder, limits };
    const order = { ...job.order, tool_folders: [...image.value.toolFolders] };
    const cleared = await this.#leftBehind.clear(owner);
    if (!cleared.ok) return cleared;
    const created = await engine.create(container);
    if (!created.ok) return created;
    const { id } = created.value;
    try {
      const outcome = await this.#runCreated(id, container, features.value, { ...job, order });
      job.onOutcome?.(outcome);
      return outcome;
    } finally {
      // A removal that fails leaves a labelled container: the task's next attempt or the next sweep removes it.
      await this.#leftBehind.remove(id, owner);
    }
  }

  async pinImage({ image, agent, devcontainer, pinned }: ImageRequest): Promise<Result<string>> {
    const found = await this.#find({ image, agent, devcontainer, pinned });
    if (!found.ok && found.error.code === 'AC_IMAGE_UNAVAILABLE' && pinned !== null)
      return failure(containerErrors.AC_IMAGE_UNAVAILABLE({ image: `${image ?? 'of the devcontainer'} (${pinned})` }));
    return found.ok ? success(found.value.id) : found;
  }

  async #find({ image, agent, devcontainer, pinned }: ImageRequest): Promise<Result<PinnedImage>> {
    if (pinned !== null) return this.#images.resolve(pinned);
    if (image !== null || devcontainer === null) return this.#imageOf(image, agent);
    const { buildDevcontainer } = this.#options;
    if (buildDevcontainer === undefined) return this.#imageOf(null, agent);
    const built = await buildDevcontainer(devcontainer);
    return built.ok ? this.#images.resolve(built.value) : built;
  }

  /** The project's image; else that with the agent the order names; else the worker image. */
  async #imageOf(image: string | null, agent: string | null): Promise<Result<PinnedImage>> {
    if (image !== null || agent === null) return this.#images.resolve(image ?? this.#options.defaultImage);
    const id = await this.#options.imageWithAgent?.(agent);
    return typeof id === 'string' ? this.#images.resolve(id) : failure(workerErrors.AC_AGENT_ABSENT({ agent }));
  }

  async #runCreated(
    id: string,
    container: WorkerContainer,
    features: EngineFeatures,
    job: WorkerJob,
  ): Promise<Result<WorkerOutcome>> {
    const { engine } = this.#options;
    const made = await engine.inspect(id);
    if (!made.ok) return made;
    const differences = compareInspect(createBody(container, features), made.value.raw, features);
    if (differences.length > 0)
      return failure(containerErrors.AC_WORKER_CONFINEMENT({ difference: differences.join('; ') }));
    const prepared = await prepareFolder(job.logFile);
    if (!prepared.ok) return prepared;
    const recorded = await job.onCreated(id);
    if (!recorded.ok) return recorded;
    const attached = await engine.attach(id);
    if (!attached.ok) return attached;
    const log = new AttemptLog(job.logFile);
    log.follow(attached.value.log);
    try {
      return await this.#converse(id, container.imageId, features, attached.value, log, job);
    } finally {
      attached.value.close();
      await log.close();
    }
  }

  /** Starts the container and speaks with it through the door until its work has an end, of whatever kind. */
  async #converse(
    id: string,
    image: string,
    features: EngineFeatures,
    attachment: Attachment,
    log: AttemptLog,
    job: WorkerJob,
  ): Promise<Result<WorkerOutcome>> {
    const { engine, acceptNoLimits = false } = this.#options;
    const limits = this.#doorLimits;
    const door = openDoor(attachment.door, {
      order: job.order,
      bundleFile: job.bundleFile,
      limits,
      differences: async (report) => {
        const seen = await withHostLimits(report, () => hostLimits(engine, id));
        return confinementDifferences(seen, { ...features, limits: job.limits, acceptNoLimits });
      },
      onProgress: job.onProgress,
      services: job.services,
    });
    const ended = new AbortController();
    try {
      const started = await engine.start(id);
      if (!started.ok) return started;
      const end = await Promise.race([door.end, interruption(job, ended.signal)]);
      // Nothing that still runs inside may go on while the outcome is worked out.
      if (end.kind !== 'closed') await engine.kill(id);
      if (end.kind === 'interrupted') return failure(end.error);
      return await outcomeOf(end, { engine, id, image: job.image ?? image, job, ...limits, lastWords: log.tail() });
    } finally {
      ended.abort();
      door.close();
    }
  }

  async #engineFeatures(): Promise<Result<EngineFeatures>> {
    if (this.#features !== null) return success(this.#features);
    const info = await this.#options.engine.info();
    if (!info.ok) return info;
    const known = checkOciRuntime(info.value);
    if (!known.ok) return known;
    const limited = checkEngineLimits(info.value);
    if (!limited.ok && this.#options.acceptNoLimits !== true) return limited;
    this.#features = engineFeatures(info.value);
    return success(this.#features);
  }
}

/** The code agent that has to be in the image; null where none has to. */
function agentOf(order: WorkOrder): string | null {
  const runtime = order.kind === 'task' ? order.agent?.definition.runtime : undefined;
  return runtime === undefined || runtime === 'builtin' ? null : runtime;
}

async function prepareFolder(file: string): Promise<Result<undefined>> {
  try {
    await mkdir(dirname(file), { recursive: true });
    return success();
  } catch (cause) {
    return failure(containerErrors.AC_RESULT_STORE({ file }, cause));
  }
}

/** A runner of sealed containers on `options.engine`. Nothing is contacted before the first job. */
export function createWorkerRunner(options: WorkerRunnerOptions): WorkerRunner {
  return new SealedWorkerRunner(options);
}
