import type { WorkerPaths } from './paths.ts';

const usualFolders = '/usr/local/bin:/usr/bin:/bin';

/**
 * The environment of every command in the worker: that of the container, with the folders of the image's own programs (`toolFolders`)
 * first on the path and the runtime's `node` last, for images that have none.
 */
export function commandEnvironment(
  paths: WorkerPaths,
  inherited: Readonly<Record<string, string | undefined>>,
  runtimeFolder: string,
  toolFolders: readonly string[] = [],
): Record<string, string> {
  const kept = Object.entries(inherited).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return {
    ...Object.fromEntries(kept),
    PATH: [...new Set([...toolFolders, ...(inherited['PATH'] ?? usualFolders).split(':'), runtimeFolder])].join(':'),
    HOME: paths.home,
    TMPDIR: '/tmp',
    LC_ALL: 'C.UTF-8',
    GIT_AUTHOR_NAME: 'AgentCompany worker',
    GIT_AUTHOR_EMAIL: 'worker@agentcompany.invalid',
    GIT_COMMITTER_NAME: 'AgentCompany worker',
    GIT_COMMITTER_EMAIL: 'worker@agentcompany.invalid',
  };
}
