import type { WorkerPaths } from './paths.ts';

/** The environment of every command in the worker: that of the container, with `node` of the runtime first on the path. */
export function commandEnvironment(
  paths: WorkerPaths,
  inherited: Readonly<Record<string, string | undefined>>,
  runtimeFolder: string,
): Record<string, string> {
  const kept = Object.entries(inherited).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return {
    ...Object.fromEntries(kept),
    PATH: `${runtimeFolder}:${inherited['PATH'] ?? '/usr/local/bin:/usr/bin:/bin'}`,
    HOME: paths.home,
    TMPDIR: '/tmp',
    LC_ALL: 'C.UTF-8',
    GIT_AUTHOR_NAME: 'AgentCompany worker',
    GIT_AUTHOR_EMAIL: 'worker@agentcompany.invalid',
    GIT_COMMITTER_NAME: 'AgentCompany worker',
    GIT_COMMITTER_EMAIL: 'worker@agentcompany.invalid',
  };
}
