import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { failure, success, type Result } from '@agentcompany/protocol';
import type { Environment } from './config.ts';
import { findCaches, type PackageCache } from './containers/package-caches.ts';
import { steppingEngine } from './containers/stepping-engine.ts';
import type { ContainerEngine } from './containers/container-engine.ts';
import type { WorkerRunner } from './containers/worker-runner.ts';
import { facadeErrors } from './facade/errors.ts';
import { imageWithAgent } from './open-agents-image.ts';

export interface OpenWorkersOptions {
  readonly instance: string;
  /** Folder of the product: `worker-image/dist` holds the runtime, `.cache/worker-image.json` names the image made at set-up. */
  readonly installation: string;
  readonly environment: Environment;
  /** `package_caches`, and the home of the company they may not lie in. */
  readonly caches: readonly PackageCache[];
  readonly companyHome: string;
  /** Go on although the engine does not enforce limits. */
  readonly acceptNoLimits: boolean;
  readonly onDurableStep: (step: string) => void;
}

/** Opens the container runtime; its library is loaded only here. Errors: those of the engine, `AC_IMAGE_UNAVAILABLE`, `AC_CACHE_REFUSED`. */
export async function openWorkers(options: OpenWorkersOptions): Promise<Result<WorkerRunner>> {
  const image = await workerImage(options.installation);
  if (!image.ok) return image;
  const caches = await findCaches(options.caches, { userHome: homedir(), companyHome: options.companyHome });
  if (!caches.ok) return caches;
  const engine = await openEngine(options.environment);
  if (!engine.ok) return engine;
  const { createWorkerRunner } = await import('./containers/sealed-worker-runner.ts');
  return success(
    createWorkerRunner({
      engine: steppingEngine(engine.value, options.onDurableStep),
      instance: options.instance,
      defaultImage: image.value,
      imageWithAgent: (agent) => imageWithAgent(options.installation, image.value, agent),
      caches: caches.value,
      acceptNoLimits: options.acceptNoLimits,
      runtimeFolder: join(options.installation, 'worker-image', 'dist'),
    }),
  );
}

/** The container engine, reached once. Errors: `AC_ENGINE_ABSENT`, `AC_ENGINE_STOPPED`, `AC_ENGINE_FORBIDDEN`. */
export async function openEngine(environment: Environment): Promise<Result<ContainerEngine>> {
  const { openDockerEngine } = await import('./containers/dod/open-engine.ts');
  const engine = openDockerEngine({ dockerHost: environment['DOCKER_HOST'] ?? null });
  if (!engine.ok) return engine;
  const reached = await engine.value.ping();
  return reached.ok ? engine : reached;
}

/** The image that set-up made, by its id. Error: `AC_IMAGE_NOT_BUILT`. */
export async function workerImage(installation: string): Promise<Result<string>> {
  try {
    const text = await readFile(join(installation, '.cache', 'worker-image.json'), 'utf8');
    const record: unknown = JSON.parse(text);
    if (typeof record === 'object' && record !== null && 'id' in record && typeof record.id === 'string')
      return success(record.id);
    return failure(facadeErrors.AC_IMAGE_NOT_BUILT());
  } catch (cause) {
    return failure(facadeErrors.AC_IMAGE_NOT_BUILT({}, cause));
  }
}
