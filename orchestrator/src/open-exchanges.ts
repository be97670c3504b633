import { join } from 'node:path';
import type { Config, Environment } from './config.ts';
import type { HostFolders } from './engine/host-parts.ts';
import { runFolder } from './engine/run-files.ts';
import { openExchangeFiles } from './exchange-files.ts';
import type { ExchangeStore } from './models/exchange-store.ts';

export interface ExchangesOptions {
  readonly home: Pick<HostFolders, 'runsFolder'>;
  readonly config: Pick<Config, 'models' | 'record_models'>;
  readonly environment: Environment;
}

/** The exchanges of a run with models, in the run's own folder, so that they are forgotten with it; null where none are kept. */
export function openExchanges({ home, config, environment }: ExchangesOptions, runId: string): ExchangeStore | null {
  if (!config.record_models) return null;
  return openExchangeFiles({
    folder: join(runFolder(home, runId), 'exchanges'),
    secrets: secretsOf(config.models, environment),
  });
}

/** The values of all keys that the configuration refers to. */
function secretsOf(models: Config['models'], environment: Environment): readonly string[] {
  const { anthropic, openai, gemini, ollama } = models;
  return [anthropic, openai, gemini, ollama].flatMap(({ api_key: reference }) => {
    const value = reference === null ? '' : (environment[reference.slice(2, -1)]?.trim() ?? '');
    return value === '' ? [] : [value];
  });
}
