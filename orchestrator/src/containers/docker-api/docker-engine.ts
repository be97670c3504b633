import { randomBytes } from 'node:crypto';
import type { Readable } from 'node:stream';
import { success, type Result } from '@agentcompany/protocol';
import Docker from 'dockerode';
import type {
  Attachment,
  BuildLimits,
  ContainerDetails,
  ContainerEngine,
  EngineInfo,
  EngineVolume,
  ImageDetails,
  ListedImage,
  OwnedContainer,
} from '../container-engine.ts';
import { createBody, engineFeatures, type EngineFeatures } from '../create-body.ts';
import { defaultOciRuntime } from '../oci-runtime.ts';
import type { WorkerContainer } from '../worker-container.ts';
import { labelNames } from '../worker-labels.ts';
import { attachStreams } from './attach.ts';
import { containerDetails, engineInfo, imageDetails, isPodman, listedImage } from './engine-answers.ts';
import { podmanInfo } from './podman-info.ts';
import { engineCall } from './engine-call.ts';
import type { CallSubject } from './engine-failure.ts';
import { followImage } from './image-progress.ts';
import { placeSeccompFile } from './seccomp-file.ts';
import { volumeOptions, volumePlace } from './volume-options.ts';

const callTimeoutMs = 60_000;

/** A name a person can tell apart in `docker ps`; nothing is ever looked up by it. */
function containerName(container: WorkerContainer): string {
  const { owner } = container;
  const subject = ('purpose' in owner ? owner.purpose : owner.attempt).replace(/[^A-Za-z0-9_.-]/g, '-').slice(0, 64);
  return `agentcompany-${subject}-${randomBytes(4).toString('hex')}`;
}

/** Options of a POST whose query and body are kept apart: given plainly, dockerode repeats the whole body in the query. */
function posted<Body extends object>(query: Readonly<Record<string, string>>, body: Body): Body {
  return { _query: query, _body: body } as object as Body;
}

function statusOf(cause: unknown): unknown {
  return cause instanceof Error ? Reflect.get(cause, 'statusCode') : undefined;
}

const buildPeriod = 100_000;

/** The limits of a build as its query names them; the memory includes what could be swapped. */
function buildLimits(limits: BuildLimits | undefined): Record<string, number> {
  if (limits === undefined) return {};
  const { memoryBytes: memory, cpus } = limits;
  return { memory, memswap: memory, cpuperiod: buildPeriod, cpuquota: Math.round(cpus * buildPeriod) };
}

async function inTime<Value>(work: Promise<Value>): Promise<Value> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${callTimeoutMs} ms`)), callTimeoutMs);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Podman overlooks `networkmode=none`, and runs a build in the network of the host. It obeys what its own client sends: policy 1
 * ("disabled") in a network name space of the build's own.
 */
const podmanBuildWithoutNetwork = {
  networkmode: '1',
  nsoptions: JSON.stringify([{ Name: 'network', Host: false, Path: '' }]),
};

/** What Podman before version 4.4 says with status 500: of a container that has ended, and of one that ends while it is asked. */
const podmanNotRunning = /\bcan only kill running containers\b|\bcontainer state improper: (stopped|exited)\b/;

/** Status 409, or the words of an older Podman. */
function isNotRunning(cause: unknown): boolean {
  if (!(cause instanceof Error)) return false;
  return Reflect.get(cause, 'statusCode') === 409 || podmanNotRunning.test(cause.message);
}

/** The engine behind a local socket, Docker or what speaks its API. It makes only the calls of the port (C18). */
export class DockerEngine implements ContainerEngine {
  readonly #socket: string;
  readonly #docker: Docker;
  readonly #ociRuntime: string;
  #info: EngineInfo | null = null;

  /** `ociRuntime`: the one that workers run in, by the name the engine has for it. */
  constructor(socket: string, ociRuntime: string = defaultOciRuntime) {
    this.#socket = socket;
    this.#ociRuntime = ociRuntime;
    this.#docker = new Docker({ socketPath: socket });
  }

  async create(container: WorkerContainer): Promise<Result<{ readonly id: string }>> {
    const features = await this.#engineFeatures();
    if (!features.ok) return features;
    const placed = features.value.podman === null ? success() : await placeSeccompFile();
    if (!placed.ok) return placed;
    return this.#call({ action: 'create a container', image: container.imageId }, async () => {
      const call = posted(
        { name: containerName(container) },
        createBody(container, features.value) as object as Docker.ContainerCreateOptions,
      );
      const made = await inTime(this.#docker.createContainer(call));
      return { id: made.id };
    });
  }

  start(id: string): Promise<Result<undefined>> {
    return this.#container(id, 'start a container', (container) => container.start());
  }

  attach(id: string): Promise<Result<Attachment>> {
    return this.#call({ action: 'attach to a container', container: id }, () =>
      attachStreams(this.#socket, id, callTimeoutMs),
    );
  }

  wait(id: string, signal?: AbortSignal): Promise<Result<{ readonly exitCode: number }>> {
    return this.#call({ action: 'wait for a container', container: id }, async () => {
      const answer: unknown = await this.#docker
        .getContainer(id)
        .wait(signal === undefined ? {} : { abortSignal: signal });
      const code: unknown =
        typeof answer === 'object' && answer !== null ? Reflect.get(answer, 'StatusCode') : undefined;
      if (typeof code !== 'number') throw new Error('the engine answered without an exit code');
      return { exitCode: code };
    });
  }

  inspect(id: string): Promise<Result<ContainerDetails>> {
    return this.#call({ action: 'inspect a container', container: id }, async () =>
      containerDetails(await inTime(this.#docker.getContainer(id).inspect())),
    );
  }

  /** Ends the container at once; one that has ended already is a success. */
  async kill(id: string): Promise<Result<undefined>> {
    return this.#container(id, 'end a container', (container) => container.kill(), isNotRunning);
  }

  /** Removes the container and its anonymous volumes, running or not; one that is gone already is a success. */
  async remove(id: string): Promise<Result<undefined>> {
    const removed = await this.#container(id, 'remove a container', (container) =>
      container.remove({ force: true, v: true }),
    );
    return !removed.ok && removed.error.code === 'AC_CONTAINER_UNKNOWN' ? success() : removed;
  }

  /** The containers whose instance label equals `instance`, compared again here: no engine's idea of a filter is relied on. */
  list(instance: string): Promise<Result<readonly OwnedContainer[]>> {
    return this.#call({ action: 'list containers' }, async () => {
      const filters = { label: [`${labelNames.instance}=${instance}`] };
      const found = await inTime(this.#docker.listContainers({ all: true, filters }));
      return found
        .filter((container) => container.Labels[labelNames.instance] === instance)
        .map(({ Id, Labels, State }) => ({ id: Id, labels: Labels, running: State === 'running' }));
    });
  }

  imageInspect(reference: string): Promise<Result<ImageDetails>> {
    return this.#call({ action: 'inspect an image', image: reference }, async () =>
      imageDetails(await inTime(this.#docker.getImage(reference).inspect())),
    );
  }

  async imageImport(
    archive: Readable,
    options: { readonly tag: string; readonly changes: readonly string[] },
  ): Promise<Result<{ readonly id: string }>> {
    const done = await this.#call({ action: 'import an image' }, async () => {
      // The whole reference as `repo`: Podman overlooks `tag`.
      const query = { repo: options.tag, changes: [...options.changes] };
      const progress = await this.#docker.importImage(archive, query);
      await followImage(progress, () => undefined);
    });
    return done.ok ? this.#imageId(options.tag) : done;
  }

  async imageBuild(
    context: Readable,
    options: Parameters<ContainerEngine['imageBuild']>[1],
  ): Promise<Result<{ readonly id: string }>> {
    const features = await this.#engineFeatures();
    if (!features.ok) return features;
    const network = features.value.podman === null ? { networkmode: 'none' } : podmanBuildWithoutNetwork;
    const done = await this.#call({ action: 'build an image' }, async () => {
      const progress = await this.#docker.buildImage(context, {
        t: options.tag,
        rm: true,
        forcerm: true,
        ...network,
        ...buildLimits(options.limits),
        ...(options.signal === undefined ? {} : { abortSignal: options.signal }),
      });
      await followImage(progress, options.onLine);
    });
    return done.ok ? this.#imageId(options.tag) : done;
  }

  /** Compared again here: no engine's idea of a filter is relied on. */
  imageList(repositories: readonly string[]): Promise<Result<readonly ListedImage[]>> {
    return this.#call({ action: 'list images' }, async () => {
      const filters = { reference: [...repositories] };
      const found = (await inTime(this.#docker.listImages({ filters }))).map(listedImage);
      const isOf = (tag: string): boolean => repositories.some((repository) => tag.startsWith(`${repository}:`));
      return found
        .map((image) => ({ ...image, references: image.references.filter(isOf) }))
        .filter(({ references }) => references.length > 0);
    });
  }

  async imageRemove(reference: string): Promise<Result<undefined>> {
    const removed = await this.#call({ action: 'remove an image', image: reference }, async () => {
      await inTime(this.#docker.getImage(reference).remove({ force: false }));
      return undefined;
    });
    return !removed.ok && removed.error.code === 'AC_IMAGE_UNKNOWN' ? success() : removed;
  }

  async volumeCreate({ name, instance, content }: EngineVolume): Promise<Result<undefined>> {
    const info = await this.#describe();
    if (!info.ok) return info;
    return this.#call({ action: 'create a volume' }, async () => {
      const driverOptions = volumeOptions(content, volumePlace(info.value));
      if (driverOptions === null) throw new Error('the volume has a name or a size that no volume may have');
      const body = {
        Name: name,
        Driver: 'local',
        DriverOpts: driverOptions,
        Labels: { [labelNames.instance]: instance },
      };
      await inTime(this.#docker.createVolume(posted({}, body)));
      return undefined;
    });
  }

  volumeRemove(name: string): Promise<Result<undefined>> {
    return this.#call({ action: 'remove a volume' }, async () => {
      const gone = 404;
      try {
        await inTime(this.#docker.getVolume(name).remove());
      } catch (cause) {
        if (statusOf(cause) !== gone) throw cause;
      }
      return undefined;
    });
  }

  info(): Promise<Result<EngineInfo>> {
    return this.#call({ action: 'describe itself' }, async () => {
      const [info, version] = await inTime(
        Promise.all([this.#docker.info() as Promise<unknown>, this.#docker.version()]),
      );
      const own = isPodman(version) ? await podmanInfo(this.#socket, callTimeoutMs) : null;
      return engineInfo(info, version, own, this.#ociRuntime);
    });
  }

  version(): Promise<Result<{ readonly version: string }>> {
    return this.#call({ action: 'tell its version' }, async () => ({
      version: (await inTime(this.#docker.version())).Version,
    }));
  }

  ping(): Promise<Result<undefined>> {
    return this.#call({ action: 'answer' }, async () => {
      await inTime(this.#docker.ping());
      return undefined;
    });
  }

  async #imageId(tag: string): Promise<Result<{ readonly id: string }>> {
    const image = await this.imageInspect(tag);
    return image.ok ? success({ id: image.value.id }) : image;
  }

  async #engineFeatures(): Promise<Result<EngineFeatures>> {
    const info = await this.#describe();
    return info.ok ? success(engineFeatures(info.value)) : info;
  }

  /** What the engine says of itself, asked once. */
  async #describe(): Promise<Result<EngineInfo>> {
    if (this.#info !== null) return success(this.#info);
    const info = await this.info();
    if (info.ok) this.#info = info.value;
    return info;
  }

  /** A call on one container without an answer; `isAlreadySo` knows the answer by which the engine says there is nothing to do. */
  #container(
    id: string,
    action: string,
    work: (container: Docker.Container) => Promise<unknown>,
    isAlreadySo: (cause: unknown) => boolean = () => false,
  ): Promise<Result<undefined>> {
    return this.#call({ action, container: id }, async () => {
      try {
        await inTime(work(this.#docker.getContainer(id)));
      } catch (cause) {
        if (!isAlreadySo(cause)) throw cause;
      }
      return undefined;
    });
  }

  #call<Value>(subject: Omit<CallSubject, 'address'>, work: () => Promise<Value>): Promise<Result<Value>> {
    return engineCall({ address: this.#socket, ...subject }, work);
  }
}
