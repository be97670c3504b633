import { readFileSync } from 'node:fs';
import { success, type Result } from '@agentcompany/protocol';
import type { CompanyHome } from './company-home.ts';
import type { Config, Environment } from './config.ts';
import { hostToken } from './host-token.ts';
import { listProjects, type Project } from './projects.ts';
import type { KnownSecret } from './text/find-secrets.ts';

/**
 * The secrets this company works with, by the names a person knows them by: keys of models, the password of the bus, the token of
 * worker hosts, credentials of projects' repositories. Errors: those of `hostToken` and of `listProjects`.
 */
export function knownSecrets({
  home,
  config,
  environment,
}: {
  readonly home: CompanyHome;
  readonly config: Pick<Config, 'models' | 'redis_url'>;
  readonly environment: Environment;
}): Result<readonly KnownSecret[]> {
  const token = hostToken(home);
  if (!token.ok) return token;
  const projects = listProjects(home);
  if (!projects.ok) return projects;
  const { anthropic, openai, gemini, ollama } = config.models;
  const keys = [anthropic, openai, gemini, ollama].flatMap(({ api_key: reference }) => {
    return reference === null ? [] : referred(reference, environment);
  });
  const password = plainPassword(config.redis_url);
  return success([
    ...keys,
    ...(password === '' ? [] : [{ name: 'the password in redis_url', value: password }]),
    { name: 'the token of worker hosts', value: token.value },
    ...projects.value.flatMap((project) => credentialsOf(project, environment)),
  ]);
}

/** What a `${NAME}` stands for; none where it is not set. */
function referred(reference: string, environment: Environment): readonly KnownSecret[] {
  const name = reference.slice(2, -1);
  const value = environment[name]?.trim() ?? '';
  return value === '' ? [] : [{ name, value }];
}

function credentialsOf({ id, git_credentials: given }: Project, environment: Environment): readonly KnownSecret[] {
  if (given?.type === 'token') return referred(given.token, environment);
  if (given?.type !== 'deploy_key') return [];
  const value = keyBody(given.key_file);
  return value === '' ? [] : [{ name: `the deploy key of project ${id}`, value }];
}

/** What stands between the first and the last line of a key file. A file that cannot be read holds nothing that could be told. */
function keyBody(file: string): string {
  try {
    return readFileSync(file, 'utf8')
      .split('\n')
      .filter((line) => !line.startsWith('-----'))
      .join('');
  } catch {
    return '';
  }
}

/** What cannot be decoded is taken as it stands. */
function plainPassword(url: string): string {
  const written = URL.parse(url)?.password ?? '';
  try {
    return decodeURIComponent(written);
  } catch {
    return written;
  }
}
