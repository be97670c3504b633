import { success, type Result } from '@agentcompany/protocol';
import type { CompanyHome } from './company-home.ts';
import type { Config, Environment } from './config.ts';
import { hostToken } from './host-token.ts';
import type { KnownSecret } from './text/find-secrets.ts';

/**
 * The secrets this company works with, by the names a person knows them by: keys of models, the password of the bus, the token of
 * worker hosts. Errors: those of `hostToken`.
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
  const { anthropic, openai, gemini, ollama } = config.models;
  const keys = [anthropic, openai, gemini, ollama].flatMap(({ api_key: reference }) => {
    const name = reference?.slice(2, -1) ?? '';
    const value = environment[name]?.trim() ?? '';
    return value === '' ? [] : [{ name, value }];
  });
  const password = plainPassword(config.redis_url);
  return success([
    ...keys,
    ...(password === '' ? [] : [{ name: 'the password in redis_url', value: password }]),
    { name: 'the token of worker hosts', value: token.value },
  ]);
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
