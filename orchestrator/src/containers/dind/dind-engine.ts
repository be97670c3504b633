import type { Readable } from 'node:stream';
import { failure, success, type Result } from '@agentcompany/protocol';
import type {
  Attachment,
  ContainerDetails,
  ContainerEngine,
  EngineInfo,
  EngineVolume,
  ImageDetails,
  ListedImage,
  OwnedContainer,
} from '../container-engine.ts';
import { carryImage } from '../docker-api/carry-image.ts';
import { DockerEngine } from '../docker-api/docker-engine.ts';
import { hostFolders, type WorkerContainer } from '../worker-container.ts';
import { dindErrors } from './errors.ts';
import type { OuterContainer } from './outer-body.ts';
import type { OuterEngine } from './outer-engine.ts';
import { hold, innerSocket, startOuter } from './start-outer.ts';

const holdMs = 20_000;

/**
 * The company's own engine, in a container of the machine's. Containers are made by the inner engine; images lie with the machine's and
 * are carried in when one is first asked for. The outer container is started with the first call, and again when it is gone.
 */
export class DindEngine implements ContainerEngine {
  readonly #outer: OuterEngine;
  readonly #container: OuterContainer;
  readonly #inner: DockerEngine;
  readonly #carrying = new Map<string, Promise<Result<{ readonly id: string }>>>();
  #starting: Promise<Result<undefined>> | null = null;
  #isHeld = false;

  constructor(outer: OuterEngine, container: OuterContainer, ociRuntime: string) {
    this.#outer = outer;
    this.#container = container;
    this.#inner = new DockerEngine(innerSocket(container), ociRuntime);
  }

  async create(container: WorkerContainer): Promise<Result<{ readonly id: string }>> {
    const unseen = hostFolders(container).find((folder) => !this.#isShared(folder));
    if (unseen !== undefined) return this.#unseen(unseen);
    const made = await this.#on((inner) => inner.create(container));
    if (made.ok || made.error.code !== 'AC_IMAGE_UNKNOWN') return made;
    // The outer container was made anew since the image was looked at.
    const carried = await this.imageInspect(container.imageId);
    return carried.ok ? this.#inner.create(container) : carried;
  }

  start(id: string): Promise<Result<undefined>> {
    return this.#on((inner) => inner.start(id));
  }

  attach(id: string): Promise<Result<Attachment>> {
    return this.#on((inner) => inner.attach(id));
  }

  wait(id: string, signal?: AbortSignal): Promise<Result<{ readonly exitCode: number }>> {
    return this.#on((inner) => inner.wait(id, signal));
  }

  inspect(id: string): Promise<Result<ContainerDetails>> {
    return this.#on((inner) => inner.inspect(id));
  }

  kill(id: string): Promise<Result<undefined>> {
    return this.#on((inner) => inner.kill(id));
  }

  remove(id: string): Promise<Result<undefined>> {
    return this.#on((inner) => inner.remove(id));
  }

  list(instance: string): Promise<Result<readonly OwnedContainer[]>> {
    return this.#on((inner) => inner.list(instance));
  }

  /** By its id from the inner engine; else from the machine's, and carried in. Names are the machine's. */
  async imageInspect(reference: string): Promise<Result<ImageDetails>> {
    const here = await this.#on((inner) => inner.imageInspect(reference));
    if (here.ok || here.error.code !== 'AC_IMAGE_UNKNOWN') return here;
    const there = await this.#outer.machine.imageInspect(reference);
    if (!there.ok) return there;
    const present = await this.#inner.imageInspect(there.value.id);
    if (present.ok || present.error.code !== 'AC_IMAGE_UNKNOWN') return present;
    const carried = await this.#carry(there.value.id);
    return carried.ok ? this.#inner.imageInspect(carried.value.id) : carried;
  }

  imageImport(
    archive: Readable,
    options: { readonly tag: string; readonly changes: readonly string[] },
  ): Promise<Result<{ readonly id: string }>> {
    return this.#outer.machine.imageImport(archive, options);
  }

  imageBuild(
    context: Readable,
    options: Parameters<ContainerEngine['imageBuild']>[1],
  ): Promise<Result<{ readonly id: string }>> {
    return this.#outer.machine.imageBuild(context, options);
  }

  imageList(repositories: readonly string[]): Promise<Result<readonly ListedImage[]>> {
    return this.#outer.machine.imageList(repositories);
  }

  /** From the machine's engine; what was carried in goes with the outer container. */
  imageRemove(reference: string): Promise<Result<undefined>> {
    return this.#outer.machine.imageRemove(reference);
  }

  volumeCreate(volume: EngineVolume): Promise<Result<undefined>> {
    return this.#on((inner) => inner.volumeCreate(volume));
  }

  volumeRemove(name: string): Promise<Result<undefined>> {
    return this.#on((inner) => inner.volumeRemove(name));
  }

  info(): Promise<Result<EngineInfo>> {
    return this.#on((inner) => inner.info());
  }

  version(): Promise<Result<{ readonly version: string }>> {
    return this.#on((inner) => inner.version());
  }

  ping(): Promise<Result<undefined>> {
    return this.#on((inner) => inner.ping());
  }

  #isShared(folder: string): boolean {
    return this.#container.sharedFolders.some((shared) => folder === shared || folder.startsWith(`${shared}/`));
  }

  #unseen(folder: string): Result<never> {
    return failure(dindErrors.AC_DIND_FOLDER({ folder, shared: this.#container.sharedFolders.join(', ') }));
  }

  async #on<Value>(work: (inner: DockerEngine) => Promise<Result<Value>>): Promise<Result<Value>> {
    const ready = await this.#ready();
    return ready.ok ? work(this.#inner) : ready;
  }

  /** Sees to it that the inner engine answers; callers at the same time share one start. */
  async #ready(): Promise<Result<undefined>> {
    if ((await this.#inner.ping()).ok && this.#isHeld) return success();
    this.#starting ??= startOuter(this.#outer, this.#container).finally(() => {
      this.#starting = null;
    });
    const started = await this.#starting;
    if (started.ok) this.#keepHolding();
    return started;
  }

  /** For as long as this process lives: what ends it, also ends the outer container. */
  #keepHolding(): void {
    if (this.#isHeld) return;
    this.#isHeld = true;
    const { exchangeFolder } = this.#container;
    setInterval(() => void hold(exchangeFolder).catch(() => undefined), holdMs).unref();
  }

  #carry(imageId: string): Promise<Result<{ readonly id: string }>> {
    const under = this.#carrying.get(imageId);
    if (under !== undefined) return under;
    const carried = { from: this.#outer.socket, to: innerSocket(this.#container), image: imageId };
    const work = carryImage(carried).finally(() => this.#carrying.delete(imageId));
    this.#carrying.set(imageId, work);
    return work;
  }
}
