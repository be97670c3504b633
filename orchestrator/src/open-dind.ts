import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { failure, success, type Result } from '@agentcompany/protocol';
import { z } from 'zod';
import { stateFolder, type CompanyHome } from './company-home.ts';
import { memoryBytes, type Config, type Environment } from './config.ts';
import type { ContainerEngine } from './containers/container-engine.ts';
import { outerLimits, type DindPlace } from './containers/dind/dind-place.ts';
import { dindErrors } from './containers/dind/errors.ts';
import { replaceFile } from './durable-file.ts';

/** Where the workers' own engine of docker-in-docker is, if that is the runtime. */
export interface DindHome extends DindPlace {
  /** Folder of the product, whose record names the image. */
  readonly installation: string;
}

/** What an installation has of the inner engine: the image it is made from. */
export interface EngineImage {
  readonly reference: string;
  readonly id: string;
}

const record = z.object({ reference: z.string(), id: z.string().regex(/^sha256:[0-9a-f]{64}$/) });

const recordFile = (installation: string): string => path.join(installation, '.cache', 'engine-image.json');

/** The image of the inner engine that was made last; null where there is none, or its record cannot be read. */
export async function readEngineImage(installation: string): Promise<EngineImage | null> {
  try {
    return record.parse(JSON.parse(await readFile(recordFile(installation), 'utf8')));
  } catch {
    return null;
  }
}

/** Makes `image` the one of the inner engine, durably. Throws what the file system throws. */
export function recordEngineImage(installation: string, image: EngineImage): void {
  replaceFile(recordFile(installation), `${JSON.stringify(image, null, 2)}\n`);
}

/**
 * The place of a company's, or worker host's, inner engine. `folder` is private to it; workers see of this machine the mirrors and the
 * worker runtime, and so does the engine.
 */
export function dindHome(options: {
  readonly instance: string;
  readonly installation: string;
  readonly folder: string;
  readonly mirrorsFolder: string;
  readonly config: Pick<Config, 'worker_memory_limit' | 'worker_cpus'>;
  readonly caches: Config['package_caches'];
  readonly maximumWorkers: number;
}): DindHome {
  const { instance, installation, folder, mirrorsFolder, config, maximumWorkers } = options;
  return {
    instance,
    installation,
    exchangeFolder: path.join(folder, 'engine'),
    sharedFolders: [
      mirrorsFolder,
      path.join(installation, 'worker-image', 'dist'),
      ...options.caches.map((cache) => cache.folder),
    ],
    limits: outerLimits({
      count: maximumWorkers,
      memoryBytes: memoryBytes(config.worker_memory_limit),
      cpus: config.worker_cpus,
    }),
  };
}

/** The same of a company home. */
export function dindOfHome(
  home: CompanyHome,
  options: {
    readonly instance: string;
    readonly installation: string;
    readonly config: Pick<Config, 'worker_memory_limit' | 'worker_cpus' | 'max_workers' | 'package_caches'>;
  },
): DindHome {
  const { mirrorsFolder } = home;
  const caches = options.config.package_caches;
  return dindHome({
    ...options,
    caches,
    mirrorsFolder,
    folder: stateFolder(home),
    maximumWorkers: options.config.max_workers,
  });
}

/** The workers' own engine. Errors: `AC_DIND_IMAGE`, those of `openDindEngine`. */
export async function openDind(
  environment: Environment,
  ociRuntime: string,
  home: DindHome,
): Promise<Result<ContainerEngine>> {
  const image = await readEngineImage(home.installation);
  if (image === null) return failure(dindErrors.AC_DIND_IMAGE({ reason: 'was not made yet' }));
  const { openDindEngine } = await import('./containers/dind/open-engine.ts');
  const opened = await openDindEngine({
    dockerHost: environment['DOCKER_HOST'] ?? null,
    place: home,
    imageId: image.id,
    ociRuntime,
  });
  return opened.ok ? success(opened.value) : opened;
}
