import { lstat, realpath, stat } from 'node:fs/promises';
import { dirname, isAbsolute, join, sep } from 'node:path';
import { failure, success, type Result } from '@agentcompany/protocol';
import { containerErrors } from './errors.ts';
import { cacheTargets, type WorkerCache } from './worker-container.ts';

/** A cache of this machine that workers are to read. */
export interface PackageCache {
  readonly kind: keyof typeof cacheTargets;
  /** Absolute: `npm config get cache`, `go env GOMODCACHE`, or a folder of wheels and source archives for pip. */
  readonly folder: string;
}

/** What of a cache is shared: packages, and nothing that lies beside them, such as logs of npm. */
const sharedPart = { npm: '_cacache', pip: '.', go: 'cache/download' } as const;

/** No cache lies there, and much that no worker may read. */
const foreignFolders = ['/boot', '/dev', '/etc', '/proc', '/run', '/sys', '/var/lib/docker', '/var/run'];
const privateFolders = [
  '.ssh',
  '.gnupg',
  '.aws',
  '.azure',
  '.config',
  '.docker',
  '.kube',
  '.local/share/keyrings',
  '.npmrc',
];

export interface CacheSurroundings {
  /** Of the user whose engine this is. */
  readonly userHome: string;
  /** What belongs to the company alone. */
  readonly companyHome: string;
}

/**
 * Checks caches and finds what of them is mounted, links followed. A folder must belong to this user or root, with nobody else able to
 * change it, and neither hold nor lie in a place that no worker may read. Error: `AC_CACHE_REFUSED`.
 */
export async function findCaches(
  caches: readonly PackageCache[],
  around: CacheSurroundings,
): Promise<Result<readonly WorkerCache[]>> {
  const found: WorkerCache[] = [];
  for (const { kind, folder } of caches) {
    const shared = join(folder, sharedPart[kind]);
    try {
      const real = await realpath(shared);
      const problem = (await ownerProblem(real)) ?? placeProblem(real, around);
      if (problem !== null) return failure(containerErrors.AC_CACHE_REFUSED({ folder, problem }));
      found.push({ folder: real, target: cacheTargets[kind] });
    } catch (cause) {
      const problem = isAbsolute(folder) ? `there is no ${shared} that can be read` : 'its path is not absolute';
      return failure(containerErrors.AC_CACHE_REFUSED({ folder, problem }, cause));
    }
  }
  return success(found);
}

/** The folder itself and all above it: who can change one of them decides what is mounted. */
async function ownerProblem(folder: string): Promise<string | null> {
  const details = await stat(folder);
  if (!details.isDirectory()) return 'it is no folder';
  for (let path = folder; ; path = dirname(path)) {
    const { uid, mode } = await lstat(path);
    const isOurs = uid === 0 || uid === process.getuid?.();
    // Of a folder such as /tmp, with the sticky bit, others cannot take things away.
    const isOpen = (mode & 0o022) !== 0 && (mode & 0o1000) === 0;
    if (!isOurs || isOpen) return `others can change ${path}`;
    if (path === dirname(path)) return null;
  }
}

function placeProblem(folder: string, { userHome, companyHome }: CacheSurroundings): string | null {
  const foreign = [...foreignFolders, companyHome, ...privateFolders.map((name) => join(userHome, name))];
  const within = foreign.find((place) => isWithin(folder, place));
  if (within !== undefined) return `it lies in ${within}`;
  const held = [...foreign, userHome].find((place) => isWithin(place, folder));
  return held === undefined ? null : `it holds ${held}`;
}

function isWithin(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder.endsWith(sep) ? folder : `${folder}${sep}`);
}
