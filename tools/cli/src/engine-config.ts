import path from 'node:path';
import type { Config } from '@agentcompany/orchestrator/config';
import type { Result } from '@agentcompany/protocol';
import type { ConfigFlags, Context } from './context.ts';

/**
 * The configuration of commands that use a container engine without a company: that of the home, where there is one,
 * else the defaults, with `AGENTCOMPANY_*` and flags above. Errors: those of `loadConfig`.
 */
export async function engineConfig(
  context: Context,
  { useHome, flags }: { readonly useHome: boolean; readonly flags: ConfigFlags },
): Promise<Result<Config>> {
  const { loadConfig } = await import('@agentcompany/orchestrator/config');
  const { checkout, environment } = context.io;
  const home = useHome ? await context.home() : null;
  const nowhere = { configFile: path.join(checkout, '.no-home', 'config.json'), busFolder: checkout };
  const loaded = loadConfig({ home: home?.ok === true ? home.value : nowhere, environment, flags });
  return loaded.ok ? { ok: true, value: loaded.value.config } : loaded;
}
