import { randomUUID } from 'node:crypto';
import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { unwrap, type Result } from '@agentcompany/protocol';
import type { ContainerEngine } from '../container-engine.ts';
import { buildEngineImage, engineImageReference } from '../dind/build-engine-image.ts';
import { openDindEngine, type OpenDindOptions } from '../dind/open-engine.ts';
import { outerName } from '../dind/outer-body.ts';
import { openDockerEngine } from '../dod/open-engine.ts';

const recipes = new URL('../../../../worker-image/image/', import.meta.url).pathname;
const cache = new URL('../../../../.cache/', import.meta.url).pathname;
const gibibyte = 1024 ** 3;

/** The id of the image of inner engines on this engine, made from packages where there is none: that takes minutes, once. */
export async function engineImage(engine: ContainerEngine): Promise<string> {
  const found = await engine.imageInspect(await engineImageReference(recipes));
  if (found.ok) return found.value.id;
  const signal = new AbortController().signal;
  return unwrap(await buildEngineImage({ engine, recipes, cache, say: () => undefined, signal })).id;
}

/** A docker-in-docker engine of a test's own. */
export interface OwnDind {
  /** The machine's engine, in which it runs. */
  readonly machine: ContainerEngine;
  readonly engine: ContainerEngine;
  readonly instance: string;
  /** Where the inner engine's socket is. */
  readonly exchangeFolder: string;
  /** Another engine object on the same outer container, as another process of the company would have. */
  again(overrides?: Partial<OpenDindOptions>): Promise<Result<ContainerEngine>>;
  /** Removes the outer container and all that lay in its folders. */
  close(): Promise<void>;
}

/**
 * Opens one whose workers mount from a folder of its own, and makes that the folder of temporary files until it is closed, so that
 * mirrors and runtimes of tests lie there. `dockerHost` is the machine's engine.
 */
export async function openOwnDind(dockerHost: string | null = process.env['DOCKER_HOST'] ?? null): Promise<OwnDind> {
  const machine = unwrap(openDockerEngine({ dockerHost }));
  const folder = await mkdtemp(join(tmpdir(), 'ac-dind-'));
  const shared = join(folder, 'shared');
  await chmod(folder, 0o711);
  await mkdir(shared);
  const temporary = process.env['TMPDIR'];
  process.env['TMPDIR'] = shared;
  const exchangeFolder = join(folder, 'engine');
  const instance = randomUUID();
  const limits = { memoryBytes: 4 * gibibyte, pids: 4096, cpus: 2 };
  const place = { instance, exchangeFolder, sharedFolders: [shared], limits };
  const options = { dockerHost, place, imageId: await engineImage(machine) };
  return {
    machine,
    engine: unwrap(await openDindEngine(options)),
    instance,
    exchangeFolder,
    again: (overrides) => openDindEngine({ ...options, ...overrides }),
    close: async () => {
      unwrap(await machine.remove(outerName(instance)));
      await rm(folder, { recursive: true, force: true });
      if (temporary === undefined) delete process.env['TMPDIR'];
      else process.env['TMPDIR'] = temporary;
    },
  };
}
