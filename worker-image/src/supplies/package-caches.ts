import { existsSync } from 'node:fs';
import { cp, mkdir, opendir, symlink } from 'node:fs/promises';

/** Where the host mounts the caches it shares, read-only; one that it does not share is not there. */
const mounted = '/caches';

/**
 * What package tools are told of the caches that the host shares. Without a way out they are told to ask nobody else. npm writes into its
 * cache whatever it does: it gets one of its own in `folder`, in which the packages are links to those of the host.
 */
export async function cacheEnvironment(
  folder: string,
  hasWayOut: boolean,
  root = mounted,
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
    environment['GOPROXY'] = `file://${root}/go,${hasWayOut ? 'https://proxy.golang.org,direct' : 'off'}`;
    if (!hasWayOut) environment['GOSUMDB'] = 'off';
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
