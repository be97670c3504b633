import { createHash, randomUUID } from 'node:crypto';
import { lstat, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { failure, success, type Result } from '@agentcompany/protocol';
import { containerErrors } from '../errors.ts';
import { seccompProfile } from '../seccomp-profile.ts';

const digest = createHash('sha256').update(seccompProfile).digest('hex');
const writableByOthers = 0o022;

/**
 * Where the profile lies for an engine that takes a path instead of the text (Podman). The name tells the content, so what
 * inspect shows of a container names the profile it was made with.
 */
export function seccompFile(folder: string = tmpdir()): string {
  return join(folder, `agentcompany-${process.getuid?.() ?? 0}`, `seccomp-${digest}.json`);
}

/**
 * Puts the profile there, readable by the engine's user and writable by nobody else, or finds that it is there unchanged.
 * Error: `AC_ENGINE_PROFILE`, where the place belongs to somebody else or cannot be written.
 */
export async function placeSeccompFile(folder?: string): Promise<Result<undefined>> {
  const file = seccompFile(folder);
  const parent = join(file, '..');
  try {
    await mkdir(parent, { mode: 0o711 }).catch((error: unknown) => {
      if (Reflect.get(Object(error), 'code') !== 'EEXIST') throw error;
    });
    const found = await lstat(parent);
    if (!found.isDirectory() || found.uid !== (process.getuid?.() ?? 0) || (found.mode & writableByOthers) !== 0)
      return failure(containerErrors.AC_ENGINE_PROFILE({ file }, `${parent} is not a folder of this user alone`));
    if ((await readFile(file, 'utf8').catch(() => null)) === seccompProfile) return success();
    const part = `${file}.${randomUUID()}`;
    await writeFile(part, seccompProfile, { mode: 0o644 });
    await rename(part, file);
    return success();
  } catch (cause) {
    return failure(containerErrors.AC_ENGINE_PROFILE({ file }, cause));
  }
}
