import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { failure, success, type Result } from '@agentcompany/protocol';
import type { Environment } from './config.ts';
import { steppingEngine } from './containers/stepping-engine.ts';
import type { WorkerRunner } from './containers/worker-runner.ts';
import { facadeErrors } from './facade/errors.ts';

export interface OpenWorkersOptions {
  readonly instance: string;
  /** Folder of the product: `worker-image/dist` holds the runtime, `.cache/worker-image.json` names the image made at set-up. */
  readonly installation: string;
  readonly environment: Environment;
  readonly onDurableStep: (step: string) => void;
}

/** Opens the container runtime; its library is loaded only here. Errors: those of the engine, `AC_IMAGE_UNAVAILABLE`. */
export async function openWorkers(options: OpenWorkersOptions): Promise<Result<WorkerRunner>> {
  const image = await workerImage(options.installation);
  if (!image.ok) return image;
  const [{ openDockerEngine }, { createWorkerRunner }] = await Promise.all([
    import('./containers/dod/open-engine.ts'),
    import('./containers/sealed-worker-runner.ts'),
  ]);
  const engine = openDockerEngine({ dockerHost: options.environment['DOCKER_HOST'] ?? null });
  if (!engine.ok) return engine;
  const reached = await engine.value.ping();
  if (!reached.ok) return reached;
  return success(
    createWorkerRunner({
      engine: steppingEngine(engine.value, options.onDurableStep),
      instance: options.instance,
      defaultImage: image.value,
      runtimeFolder: join(options.installation, 'worker-image', 'dist'),
    }),
  );
}

/** The image that set-up made, by its id. */
async function workerImage(installation: string): Promise<Result<string>> {
  try {
    const text = await readFile(join(installation, '.cache', 'worker-image.json'), 'utf8');
    const record: unknown = JSON.parse(text);
    if (typeof record === 'object' && record !== null && 'id' in record && typeof record.id === 'string') return success(record.id);
    return failure(facadeErrors.AC_IMAGE_NOT_BUILT());
  } catch (cause) {
    return failure(facadeErrors.AC_IMAGE_NOT_BUILT({}, cause));
  }
}
