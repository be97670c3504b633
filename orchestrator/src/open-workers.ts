import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { failure, success, type Result } from '@agentcompany/protocol';
import type { Config, Environment } from './config.ts';
import { steppingEngine } from './containers/stepping-engine.ts';
import type { ContainerEngine } from './containers/container-engine.ts';
import type { WorkerRunner } from './containers/worker-runner.ts';
import { facadeErrors } from './facade/errors.ts';
import { imageWithAgent } from './open-agents-image.ts';

/** What decides which engine workers run on, and under which terms. */
export interface EngineChoice {
  readonly config: Pick<Config, 'container_runtime' | 'oci_runtime' | 'accept_no_limits'>;
  /** `DOCKER_HOST` and `CONTAINER_HOST` name the engine's socket where it is not in its usual place. */
  readonly environment: Environment;
}

/** Which image of an installation is asked for. */
type InstalledImage = Pick<OpenWorkersOptions, 'installation'> & {
  readonly config: Pick<Config, 'container_runtime'>;
};

export interface OpenWorkersOptions extends EngineChoice {
  readonly instance: string;
  /** Folder of the product: `worker-image/dist` holds the runtime, `.cache/worker-image.json` names the image made at set-up. */
  readonly installation: string;
  readonly onDurableStep: (step: string) => void;
}

/** Opens the container runtime; its library is loaded only here. Errors: those of the engine, `AC_IMAGE_UNAVAILABLE`. */
export async function openWorkers(options: OpenWorkersOptions): Promise<Result<WorkerRunner>> {
  const image = await workerImage(options);
  if (!image.ok) return image;
  const engine = await openEngine(options);
  if (!engine.ok) return engine;
  const { createWorkerRunner } = await import('./containers/sealed-worker-runner.ts');
  return success(
    createWorkerRunner({
      engine: steppingEngine(engine.value, options.onDurableStep),
      instance: options.instance,
      defaultImage: image.value,
      imageWithAgent: (agent) => imageWithAgent(options.installation, image.value, agent),
      acceptNoLimits: options.config.accept_no_limits,
      runtimeFolder: join(options.installation, 'worker-image', 'dist'),
    }),
  );
}

/**
 * The container engine that `container_runtime` names, reached once.
 * Errors: `AC_ENGINE_ADDRESS`, `AC_ENGINE_ABSENT`, `AC_ENGINE_STOPPED`, `AC_ENGINE_FORBIDDEN`,
 * `AC_OCI_RUNTIME_UNKNOWN`; those of the runtime.
 */
export async function openEngine({ config, environment }: EngineChoice): Promise<Result<ContainerEngine>> {
  const engine = await runtimes[config.container_runtime](environment, config.oci_runtime);
  if (!engine.ok) return engine;
  const info = await engine.value.info();
  if (!info.ok) return info;
  const { checkOciRuntime } = await import('./containers/oci-runtime.ts');
  const known = checkOciRuntime(info.value);
  return known.ok ? engine : known;
}

type OpenRuntime = (environment: Environment, ociRuntime: string) => Promise<Result<ContainerEngine>>;

/** Each loads its library only when it is chosen. */
const runtimes: Readonly<Record<Config['container_runtime'], OpenRuntime>> = {
  dod: async (environment, ociRuntime) => {
    const { openDockerEngine } = await import('./containers/dod/open-engine.ts');
    return openDockerEngine({ dockerHost: environment['DOCKER_HOST'] ?? null, ociRuntime });
  },
  rootless: async (environment, ociRuntime) => {
    const { openRootlessEngine } = await import('./containers/rootless/open-engine.ts');
    return openRootlessEngine({ environment, ociRuntime });
  },
};

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
