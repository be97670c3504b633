import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { failure, success, type Result } from '@agentcompany/protocol';
import { demoErrors } from './errors.ts';
import { npmPack } from './npm.ts';
import type { PackageName } from './package-name.ts';

export interface FetchedPackage {
  /** Absolute file of the archive. */
  readonly file: string;
  /** Its digest as npm reported it: `sha512-` and base64. */
  readonly integrity: string;
  readonly wasCached: boolean;
}

export interface FetchOptions {
  readonly cacheFolder: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
}

/** True where the file is there and has this digest; only SHA-512, which is what npm gives, is trusted. */
async function hasIntegrity(file: string, integrity: string): Promise<boolean> {
  const content = await readFile(file).catch(() => null);
  return content !== null && `sha512-${createHash('sha512').update(content).digest('base64')}` === integrity;
}

async function fromCache(file: string): Promise<FetchedPackage | null> {
  const integrity = await readFile(`${file}.integrity`, 'utf8').catch(() => '');
  return (await hasIntegrity(file, integrity)) ? { file, integrity, wasCached: true } : null;
}

/**
 * The published archive of a package: from the cache where it is whole, else by `npm pack`.
 * Errors: those of `npmPack`; `AC_DEMO_PACKAGE_UNREADABLE` where what came is not what npm reported.
 */
export async function fetchPackage(
  name: PackageName,
  { cacheFolder, environment, signal }: FetchOptions,
): Promise<Result<FetchedPackage>> {
  await mkdir(cacheFolder, { recursive: true });
  const file = path.join(cacheFolder, `${name.id.replace('/', '+')}.tgz`);
  const cached = await fromCache(file);
  if (cached !== null) return success(cached);
  const folder = await mkdtemp(path.join(cacheFolder, 'fetching-'));
  try {
    const packed = await npmPack(name, folder, environment, signal);
    if (!packed.ok) return packed;
    const { filename, integrity } = packed.value;
    if (!(await hasIntegrity(path.join(folder, filename), integrity))) {
      return failure(
        demoErrors.AC_DEMO_PACKAGE_UNREADABLE({ package: name.id, problem: 'the archive is not the one npm reported' }),
      );
    }
    await writeFile(`${file}.integrity`, integrity);
    await rename(path.join(folder, filename), file);
    return success({ file, integrity, wasCached: false });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
