import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { createInterface } from 'node:readline';
import { failure, success, type Result } from '@agentcompany/protocol';
import type { ContainerEngine } from '../container-engine.ts';
import { dindErrors } from './errors.ts';

/** Name of the images of inner engines that are made here. */
export const engineRepository = 'agentcompany-engine';
const recipe = 'engine-from-packages.mjs';
const lastLines = 20;

export interface BuildEngineImageOptions {
  /** The machine's engine, which is to have the image. */
  readonly engine: ContainerEngine;
  /** Folder of the recipes. */
  readonly recipes: string;
  /** Folder for what is made on the way; half a gigabyte, removed afterwards. */
  readonly cache: string;
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
}

/** The name of the image that this recipe makes: another recipe, another name. */
export async function engineImageReference(recipes: string): Promise<string> {
  const text = await readFile(join(recipes, recipe));
  return `${engineRepository}:${createHash('sha256').update(text).digest('hex').slice(0, 16)}`;
}

/** Runs the recipe to its end; gives its exit code and last words. */
async function bootstrap(archive: string, { recipes, say, signal }: BuildEngineImageOptions) {
  const child = spawn(process.execPath, [join(recipes, recipe), basename(archive)], {
    cwd: join(archive, '..'),
    stdio: ['ignore', 'ignore', 'pipe'],
    signal,
  });
  const words: string[] = [];
  createInterface({ input: child.stderr }).on('line', (line) => {
    words.push(line);
    if (words.length > lastLines) words.shift();
    if (line.startsWith('I: ')) say(line.slice('I: '.length));
  });
  const code = await new Promise<number | null>((resolve) => {
    child.once('error', () => resolve(null));
    child.once('close', resolve);
  });
  return { code, words: words.join('\n') };
}

/**
 * Makes the image of the inner engine from the packages of this machine's system, as root. Nothing of ours is in it.
 * Errors: `AC_DIND_BUILD` with the last words of what failed, those of the engine.
 */
export async function buildEngineImage(
  options: BuildEngineImageOptions,
): Promise<Result<{ readonly reference: string; readonly id: string }>> {
  const { engine, recipes, cache, say } = options;
  const reference = await engineImageReference(recipes);
  await mkdir(cache, { recursive: true });
  const room = await mkdtemp(join(cache, 'engine-'));
  try {
    say(`Making ${reference} from this system's packages`);
    const archive = join(room, 'rootfs.tar');
    const { code, words } = await bootstrap(archive, options);
    if (code !== 0) return failure(dindErrors.AC_DIND_BUILD({}, words));
    const imported = await engine.imageImport(createReadStream(archive), { tag: reference, changes: [] });
    return imported.ok ? success({ reference, id: imported.value.id }) : imported;
  } finally {
    await rm(room, { recursive: true, force: true });
  }
}
