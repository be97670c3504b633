import { storeEnd } from '@agentcompany/agent-bus';
import { success } from '@agentcompany/protocol';
import type { Company } from '../company-facade.ts';
import type { CompanyHome } from '../company-home.ts';
import type { Config } from '../config.ts';
import { engineOwner } from '../engine/engine-lock.ts';
import { summariesAt } from '../engine/read-model-file.ts';
import { busKey, busOptions } from '../home-bus.ts';

/** What of a company can be told without opening its store. */
export type RunReader = Pick<Company, 'listRuns' | 'enginePid'>;

/**
 * The runs on record as the read model has them, where it is known to stand where the store ends: neither the store nor what works
 * on it is loaded. Null where it may not; `openCompany` then says the same, and brings the read model up to date.
 */
export async function readRuns(home: CompanyHome, config: Config): Promise<RunReader | null> {
  const store = busOptions(home, config);
  if (!store.ok) return null;
  const end = await storeEnd(store.value);
  const runs = end === null ? null : summariesAt(home.readModelFile, busKey(store.value), end);
  if (runs === null) return null;
  return { listRuns: async () => success(runs), enginePid: async () => engineOwner(home.lockFile) };
}
