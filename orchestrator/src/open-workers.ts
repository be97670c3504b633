import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { failure, success, type Result } from '@agentcompany/protocol';
import type { Config, Environment } from './config.ts';
import { findCaches, type PackageCache } from './containers/package-caches.ts';
import { steppingEngine } from './containers/stepping-engine.ts';
import type { ContainerEngine } from './containers/container-engine.ts';
import type { WorkerRunnerOptions } from './containers/sealed-worker-runner.ts';
import { dindErrors } from './containers/dind/errors.ts';
import type { WorkerRunner } from './containers/worker-runner.ts';
import type { Log } from './engine/log.ts';
import { facadeErrors } from './facade/errors.ts';
import { openMirrorFacts } from './git/mirror-facts.ts';
import { openDevcontainers } from './open-devcontainers.ts';
import { imageWithAgent } from './open-agents-image.ts';
import { openDind, type DindHome } from './open-dind.ts';

/** What decides which engine workers run on, and under which terms. */
export interface EngineChoice {
  readonly config: Pick<Config, 'container_runtime' | 'allow_dind' | 'oci_runtime' | 'accept_no_limits'>;
  /** `DOCKER_HOST` and `CONTAINER_HOST` name the engine's socket where it is not in its usual place. */
  readonly environment: Environment;
  /**
   * Whose workers it is for: docker-in-docker is an engine of their own. Absent where no worker is started; with docker-in-docker it is
   * the machine's engine then, where the images lie.
   */
  readonly dind?: DindHome;
}

/** Which image of an installation is asked for. */
type InstalledImage = Pick<OpenWorkersOptions, 'installation'> & {
  readonly config: Pick<Config, 'container_runtime'>;
};

export interface OpenWorkersOptions extends EngineChoice {
  readonly dind: DindHome;
  readonly instance: string;
  /** Folder of the product: `worker-image/dist` holds the runtime, `.cache/worker-image.json` names the image made at set-up. */
  readonly installation: string;
  /** `package_caches`, and the home of the company they may not lie in. */
  readonly caches: readonly PackageCache[];
  readonly companyHome: string;
  readonly onDurableStep: (step: string) => void;
  /** What goes on while an image is built. */
  readonly say: (line: string) => void;
  /** What a host that carries out work keeps ready for it; absent: nothing. */
  readonly keeping?: KeptReady;
}

export interface KeptReady {
  /** Workers in all, those that wait for work among them. */
  readonly maximumWorkers: number;
  /** Workers that may wait for work. */
  readonly warmWorkers: number;
  /** Where the prepared checkouts are on record. */
  readonly checkoutsFolder: string;
  readonly log: Log;
  /** Another process of the home may be its host. */
  readonly isVisitor?: boolean;
}

/** Opens the container runtime; its library is loaded only here. Errors: those of the engine, `AC_IMAGE_UNAVAILABLE`, `AC_CACHE_REFUSED`. */
export async function openWorkers(options: OpenWorkersOptions): Promise<Result<WorkerRunner>> {
  const image = await workerImage(options);
  if (!image.ok) return image;
  const caches = await findCaches(options.caches, { userHome: homedir(), companyHome: options.companyHome });
  if (!caches.ok) return caches;
  const engine = await openEngine(options);
  if (!engine.ok) return engine;
  const { createWorkerRunner } = await import('./containers/sealed-worker-runner.ts');
  return success(
    createWorkerRunner({
      engine: steppingEngine(engine.value, options.onDurableStep),
      instance: options.instance,
      defaultImage: image.value,
      buildDevcontainer: openDevcontainers({ engine: engine.value, instance: options.instance, say: options.say }),
      imageWithAgent: (agent) => imageWithAgent(options.installation, image.value, agent),
      caches: caches.value,
      acceptNoLimits: options.config.accept_no_limits,
      runtimeFolder: join(options.installation, 'worker-image', 'dist'),
      ...(options.keeping === undefined ? {} : keptReady(options.keeping)),
    }),
  );
}

function keptReady({
  maximumWorkers,
  warmWorkers,
  checkoutsFolder,
  log,
  isVisitor = false,
}: KeptReady): Pick<WorkerRunnerOptions, 'warm' | 'workspaces' | 'log' | 'isVisitor'> {
  const workspaces = { folder: checkoutsFolder, facts: openMirrorFacts() };
  return { warm: { workers: warmWorkers, maximum: maximumWorkers }, workspaces, log, isVisitor };
}

/**
 * The container engine that `container_runtime` names, reached once.
 * Errors: `AC_ENGINE_ADDRESS`, `AC_ENGINE_ABSENT`, `AC_ENGINE_STOPPED`, `AC_ENGINE_FORBIDDEN`,
 * `AC_OCI_RUNTIME_UNKNOWN`; those of the runtime.
 */
export async function openEngine(choice: EngineChoice): Promise<Result<ContainerEngine>> {
  const engine = await runtimes[choice.config.container_runtime](choice);
  if (!engine.ok) return engine;
  const info = await engine.value.info();
  if (!info.ok) return info;
  const { checkOciRuntime } = await import('./containers/oci-runtime.ts');
  const known = checkOciRuntime(info.value);
  return known.ok ? engine : known;
}

type OpenRuntime = (choice: EngineChoice) => Promise<Result<ContainerEngine>>;

/** Each loads its library only when it is chosen. */
const runtimes: Readonly<Record<Config['container_runtime'], OpenRuntime>> = {
  dod: openMachine,
  rootless: async ({ environment, config }) => {
    const { openRootlessEngine } = await import('./containers/rootless/open-engine.ts');
    return openRootlessEngine({ environment, ociRuntime: config.oci_runtime });
  },
  dind: async (choice) => {
    const { config, environment, dind } = choice;
    if (!config.allow_dind) return failure(dindErrors.AC_DIND_FORBIDDEN());
    if (dind === undefined) return openMachine({ ...choice, config: { ...config, oci_runtime: 'runc' } });
    return openDind(environment, config.oci_runtime, dind);
  },
};

async function openMachine({ environment, config }: EngineChoice): Promise<Result<ContainerEngine>> {
  const { openDockerEngine } = await import('./containers/dod/open-engine.ts');
  return openDockerEngine({ dockerHost: environment['DOCKER_HOST'] ?? null, ociRuntime: config.oci_runtime });
}

/** The image that set-up made for the chosen engine, by its id there. Error: `AC_IMAGE_NOT_BUILT`. */
export async function workerImage({ installation, config }: InstalledImage): Promise<Result<string>> {
  // A rootless engine keeps images of its own.
  const record = config.container_runtime === 'rootless' ? 'worker-image-rootless.json' : 'worker-image.json';
  try {
    const text = await readFile(join(installation, '.cache', record), 'utf8');
    const image: unknown = JSON.parse(text);
    if (typeof image === 'object' && image !== null && 'id' in image && typeof image.id === 'string')
      return success(image.id);
    return failure(facadeErrors.AC_IMAGE_NOT_BUILT());
  } catch (cause) {
    return failure(facadeErrors.AC_IMAGE_NOT_BUILT({}, cause));
  }
}
