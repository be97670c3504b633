import { randomUUID } from 'node:crypto';
import { failure, success, workerErrors, type AppError, type Result, type WorkOrder } from '@agentcompany/protocol';
import { defaultDoorLimits, type DoorLimits } from '../door/door-limits.ts';
import { carryOutJob, type WorkerAtHand } from './carry-out-job.ts';
import { checkEngineLimits } from './confinement.ts';
import type { ContainerEngine, OwnedContainer } from './container-engine.ts';
import { engineFeatures } from './create-body.ts';
import { containerErrors } from './errors.ts';
import { checkOciRuntime } from './oci-runtime.ts';
import { PinnedImages, type PinnedImage } from './pinned-images.ts';
import { LeftBehind } from './left-behind.ts';
import { createSealed, openWorkerDoor, type SealedTerms, type SealedWorker } from './sealed-container.ts';
import { WarmPool } from './warm-pool.ts';
import type { SpareOwner, WorkerCache, WorkerContainer, WorkerOwner } from './worker-container.ts';
import { labelNames } from './worker-labels.ts';
import type { ImageRequest, KeptCheckouts, WorkerJob, WorkerOutcome, WorkerRunner } from './worker-runner.ts';
import { Workspaces, type Lower, type WorkspacesOptions } from './workspaces/workspaces.ts';

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
  /** Folders of packages that every worker may read; absent: none. */
  readonly caches?: readonly WorkerCache[];
  /** `accept_no_limits`: go on although the engine does not enforce limits (S12). */
  readonly acceptNoLimits?: boolean;
  readonly doorLimits?: Partial<DoorLimits>;
  /** Workers that are kept waiting for work, and workers in all; absent: none waits. */
  readonly warm?: { readonly workers: number; readonly maximum: number };
  /** Where prepared checkouts are on record, and how mirrors are asked; absent: workspaces are made in memory. */
  readonly workspaces?: Pick<WorkspacesOptions, 'folder' | 'facts' | 'leastFiles' | 'mostBytes' | 'politeMs'>;
  /** Another process of this home may be its host, whose sweep leaves alone what runs for this one: it ends by itself. */
  readonly isVisitor?: boolean;
  /** What went wrong beside the work. */
  readonly log?: (event: string, details: Readonly<Record<string, unknown>>) => void;
}

const visitorPrefix = 'visitor-';

/** What a worker without work is made from: a job with the same is given to it. */
interface WorkerShape extends Omit<WorkerContainer, 'owner' | 'workspaceVolume'> {
  /** The checkout its workspace is mounted on; null: it is made in memory. */
  readonly lower: Lower | null;
}

/** See `WorkerRunner`. One object serves any number of jobs at once. */
class SealedWorkerRunner implements WorkerRunner {
  readonly #options: WorkerRunnerOptions;
  readonly #images: PinnedImages;
  readonly #leftBehind: LeftBehind;
  readonly #closing = new AbortController();
  readonly #running = new Set<Promise<unknown>>();
  /** Attempts of the jobs under way, from before their containers are made until these are gone. */
  readonly #attempts = new Set<string>();
  /** Tells containers of this process from those of one that is gone. */
  readonly #host: string;
  readonly #pool: WarmPool<WorkerShape>;
  readonly #workspaces: Workspaces | null;
  #known: SealedTerms | null = null;

  constructor(options: WorkerRunnerOptions) {
    this.#options = options;
    this.#images = new PinnedImages(options.engine);
    this.#leftBehind = new LeftBehind(options.engine);
    this.#host = `${options.isVisitor === true ? visitorPrefix : ''}${randomUUID()}`;
    this.#pool = new WarmPool<WorkerShape>({
      size: options.warm?.workers ?? 0,
      maximum: options.warm?.maximum ?? Infinity,
      keyOf: (shape) => JSON.stringify(shape),
      open: (shape) => this.#openWaiting(shape),
      onFailure: (error) => this.#note('worker-not-kept-ready', error),
    });
    this.#workspaces = this.#openWorkspaces(options);
  }

  get checkouts(): KeptCheckouts | null {
    return this.#workspaces;
  }

  async run(job: WorkerJob): Promise<Result<WorkerOutcome>> {
    const work = this.#prepareAndRun({ ...job, signal: AbortSignal.any([job.signal, this.#closing.signal]) });
    this.#running.add(work);
    this.#attempts.add(job.owner.attempt);
    try {
      return await work;
    } finally {
      this.#running.delete(work);
      this.#attempts.delete(job.owner.attempt);
    }
  }

  async sweep(isLive: (attempt: string) => boolean): Promise<Result<number>> {
    const { engine, instance } = this.#options;
    const owned = await engine.list(instance);
    if (!owned.ok) return owned;
    let removed = 0;
    for (const container of owned.value) {
      if (container.labels[labelNames.instance] !== instance || this.#isAlive(container, isLive)) continue;
      const gone = await engine.remove(container.id);
      if (!gone.ok) return gone;
      removed += 1;
    }
    await this.#workspaces?.sweep();
    return success(removed);
  }

  #isAlive({ labels, running }: OwnedContainer, isLive: (attempt: string) => boolean): boolean {
    const attempt = labels[labelNames.attempt];
    const host = labels[labelNames.host] ?? '';
    if (attempt === undefined) return host === this.#host || (running && host.startsWith(visitorPrefix));
    // One of `agentcompany doctor`, another process of this home: it ends by itself.
    const isDoctors = running && labels[labelNames.run] === 'doctor';
    return isDoctors || this.#attempts.has(attempt) || isLive(attempt);
  }

  /** Ends all running jobs as cancelled and waits until their containers are gone. */
  async close(): Promise<void> {
    this.#closing.abort();
    await Promise.allSettled(this.#running);
    await this.#pool.close();
    await this.#leftBehind.clearAll();
    await this.#workspaces?.close();
  }

  async #prepareAndRun(job: WorkerJob): Promise<Result<WorkerOutcome>> {
    if (job.signal.aborted) return failure(containerErrors.AC_WORKER_CANCELLED());
    const terms = await this.#terms();
    if (!terms.ok) return terms;
    const { mirrorFolder, limits } = job;
    const [image, lower] = await Promise.all([
      this.#imageOf(job.image, agentOf(job.order)),
      this.#workspaces?.lowerFor(mirrorFolder, job.order.base_oid) ?? null,
    ]);
    if (!image.ok) return image;
    const { runtimeFolder, caches = [] } = this.#options;
    const shape: WorkerShape = { imageId: image.value.id, mirrorFolder, runtimeFolder, limits, caches, lower };
    const order = { ...job.order, tool_folders: [...image.value.toolFolders] };
    const cleared = await this.#leftBehind.clear(job.owner);
    if (!cleared.ok) return cleared;
    try {
      const atHand = await this.#workerFor(shape, job.owner);
      return atHand.ok ? await this.#give(terms.value, atHand.value, shape, { ...job, order }) : atHand;
    } finally {
      this.#pool.done(shape);
    }
  }

  async #give(
    terms: SealedTerms,
    atHand: WorkerAtHand,
    { lower }: WorkerShape,
    job: WorkerJob,
  ): Promise<Result<WorkerOutcome>> {
    const { worker } = atHand;
    try {
      const onStartFailed = (error: AppError): void => {
        if (lower !== null && worker.container.workspaceVolume !== null) void this.#workspaces?.distrust(lower, error);
      };
      const outcome = await carryOutJob(terms, atHand, job, onStartFailed);
      job.onOutcome?.(outcome);
      return outcome;
    } finally {
      // A removal that fails leaves a labelled container: the task's next attempt or the next sweep removes it.
      await this.#leftBehind.remove(worker, job.owner);
    }
  }

  /** One that waits for work, or else one that is created, for this attempt and no other. */
  async #workerFor(shape: WorkerShape, owner: WorkerOwner): Promise<Result<WorkerAtHand>> {
    const waiting = await this.#pool.take(shape);
    if (waiting !== null) return success({ worker: waiting, isStarted: true });
    const created = await this.#createWorker(shape, owner);
    return created.ok ? success({ worker: created.value, isStarted: false }) : created;
  }

  async #openWaiting(shape: WorkerShape): Promise<Result<SealedWorker>> {
    const { engine, instance } = this.#options;
    const worker = await this.#createWorker(shape, { instance, host: this.#host, purpose: 'warm' });
    if (!worker.ok) return worker;
    const started = await engine.start(worker.value.id);
    const dispose = (): Promise<Result<undefined>> => this.#leftBehind.remove(worker.value, null);
    if (started.ok) return success({ ...worker.value, dispose });
    await dispose();
    if (shape.lower !== null) await this.#workspaces?.distrust(shape.lower, started.error);
    return started;
  }

  async #createWorker(
    { lower, ...shape }: WorkerShape,
    owner: WorkerOwner | SpareOwner,
  ): Promise<Result<SealedWorker>> {
    const terms = await this.#terms();
    if (!terms.ok) return terms;
    const mounted =
      lower === null ? null : ((await this.#workspaces?.mount(lower, shape.mirrorFolder, shape.limits)) ?? null);
    const created = await createSealed(terms.value, { ...shape, owner, workspaceVolume: mounted?.volume ?? null });
    if (created.ok) return success(openWorkerDoor(terms.value, created.value, () => mounted?.release()));
    await mounted?.release();
    return created;
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

  async #terms(): Promise<Result<SealedTerms>> {
    if (this.#known !== null) return success(this.#known);
    const { engine, acceptNoLimits = false, doorLimits } = this.#options;
    const info = await engine.info();
    if (!info.ok) return info;
    const known = checkOciRuntime(info.value);
    if (!known.ok) return known;
    const limited = checkEngineLimits(info.value);
    if (!limited.ok && !acceptNoLimits) return limited;
    if (info.value.warning !== null) this.#note('engine-warning', info.value.warning);
    this.#known = {
      engine,
      info: info.value,
      features: engineFeatures(info.value),
      doorLimits: { ...defaultDoorLimits, ...doorLimits },
      acceptNoLimits,
    };
    return success(this.#known);
  }

  #openWorkspaces({ workspaces, instance, runtimeFolder, defaultImage }: WorkerRunnerOptions): Workspaces | null {
    if (workspaces === undefined) return null;
    return new Workspaces({
      ...workspaces,
      instance,
      host: this.#host,
      runtimeFolder,
      terms: () => this.#terms(),
      image: async () => {
        const image = await this.#images.resolve(defaultImage);
        return image.ok ? success(image.value.id) : image;
      },
      log: (event, details) => this.#options.log?.(event, details),
    });
  }

  #note(event: string, error: AppError): void {
    this.#options.log?.(event, { error });
  }
}

/** The code agent that has to be in the image; null where none has to. */
function agentOf(order: WorkOrder): string | null {
  const runtime = order.kind === 'task' ? order.agent?.definition.runtime : undefined;
  return runtime === undefined || runtime === 'builtin' ? null : runtime;
}

/** A runner of sealed containers on `options.engine`. Nothing is contacted before the first job. */
export function createWorkerRunner(options: WorkerRunnerOptions): WorkerRunner {
  return new SealedWorkerRunner(options);
}
