import { existsSync } from 'node:fs';
import { cp, mkdir, opendir, symlink } from 'node:fs/promises';

/** Where the host mounts the caches it shares, read-only; one that it does not share is not there. */
const mounted = '/caches';

/** What Go asks where it is told nothing (go help goproxy). */
const usualGoProxy = 'https://proxy.golang.org,direct';

export interface CacheSurroundings {
  readonly hasWayOut: boolean;
  /** Variables of the image: a Go proxy it names stays the one that is asked. */
  readonly inherited: Readonly<Record<string, string | undefined>>;
  readonly root?: string;
}

/**
 * What package tools are told of the caches that the host shares. Without a way out they are told to ask nobody else. npm writes into its
 * cache whatever it does: it gets one of its own in `folder`, in which the packages are links to those of the host.
 */
export async function cacheEnvironment(
  folder: string,
  { hasWayOut, inherited, root = mounted }: CacheSurroundings,
): Promise<Record<string, string>> {
  const environment: Record<string, string> = {};
  if (existsSync(`${root}/npm`)) {
    await borrowNpmCache(`${root}/npm`, `${folder}/npm/_cacache`);
    environment['npm_config_cache'] = `${folder}/npm`;
    environment[hasWayOut ? 'npm_config_prefer_offline' : 'npm_config_offline'] = 'true';
  }
  if (existsSync(`${root}/pip`)) {
    environment['PIP_FIND_LINKS'] = `${root}/pip`;
    if (!hasWayOut) environment['PIP_NO_INDEX'] = '1';
  }
  if (existsSync(`${root}/go`)) {
    // A folder of downloads has the form of a proxy (go help goproxy).
    const next = hasWayOut ? (inherited['GOPROXY'] ?? usualGoProxy) : 'off';
    environment['GOPROXY'] = `file://${root}/go,${next}`;
    // Nobody can be asked for sums, nor for private modules at their own hosts: those of the folder count, held against go.sum.
    if (!hasWayOut) Object.assign(environment, { GOSUMDB: 'off', GONOPROXY: 'none' });
  }
  return environment;
}

/** The index is copied, as npm adds lines to its files; of the content, which is named by its digest and never changed, each file is a link. */
async function borrowNpmCache(from: string, to: string): Promise<void> {
  await mkdir(`${to}/tmp`, { recursive: true });
  if (existsSync(`${from}/index-v5`)) await cp(`${from}/index-v5`, `${to}/index-v5`, { recursive: true });
  if (existsSync(`${from}/content-v2`)) await linkFiles(`${from}/content-v2`, `${to}/content-v2`);
}

async function linkFiles(from: string, to: string): Promise<void> {
  await mkdir(to, { recursive: true });
  for await (const entry of await opendir(from)) {
    if (entry.isDirectory()) await linkFiles(`${from}/${entry.name}`, `${to}/${entry.name}`);
    else if (entry.isFile()) await symlink(`${from}/${entry.name}`, `${to}/${entry.name}`);
  }
}
