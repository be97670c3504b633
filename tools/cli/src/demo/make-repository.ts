import { failure, success, type Result } from '@agentcompany/protocol';
import { demoErrors } from './errors.ts';
import { runTool } from './run-tool.ts';

export interface RepositoryRequest {
  /** Holds the files, and no repository yet. */
  readonly folder: string;
  readonly message: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
}

/** The same package gives the same commit on every machine. */
const date = '2026-01-01T00:00:00Z';
const identity = { name: 'AgentCompany demo', email: 'demo@agentcompany.invalid' };
const timeoutMs = 60_000;
/** Nothing of the machine's configuration changes what is committed, and nothing of the package's is obeyed. */
const settings = [
  'core.hooksPath=/dev/null',
  'core.attributesFile=/dev/null',
  'core.excludesFile=/dev/null',
  'core.autocrlf=false',
  'core.fsmonitor=false',
  'commit.gpgSign=false',
  'gc.auto=0',
  'init.templateDir=',
];

/** Makes a repository of a folder: branch `main`, everything in one commit, checked out detached. Error: `AC_DEMO_REPOSITORY` with what git said. */
export async function makeRepository({
  folder,
  message,
  environment,
  signal,
}: RepositoryRequest): Promise<Result<undefined>> {
  const kept = Object.fromEntries(Object.entries(environment).filter(([name]) => !name.startsWith('GIT_')));
  const variables = {
    ...kept,
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_AUTHOR_NAME: identity.name,
    GIT_AUTHOR_EMAIL: identity.email,
    GIT_AUTHOR_DATE: date,
    GIT_COMMITTER_NAME: identity.name,
    GIT_COMMITTER_EMAIL: identity.email,
    GIT_COMMITTER_DATE: date,
  };
  const steps = [
    ['init', '--quiet', '--initial-branch=main', '.'],
    ['add', '--all', '--force', '.'],
    ['commit', '--quiet', '--no-verify', `--message=${message}`],
    // The branch is not checked out, so that a pull request can be merged into it.
    ['switch', '--quiet', '--detach'],
  ];
  for (const step of steps) {
    const args = [...settings.flatMap((setting) => ['-c', setting]), ...step];
    const end = await runTool({ program: 'git', args, folder, environment: variables, timeoutMs, signal });
    if (end.code !== 0)
      return failure(demoErrors.AC_DEMO_REPOSITORY({}, `git ${step[0] ?? ''}: ${end.stderr.slice(-500)}`));
  }
  return success();
}
