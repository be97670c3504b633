import type { OpenCompanyOptions } from '@agentcompany/orchestrator';
import type { OpenCompany } from './io.ts';

/** Loads the company only when a command needs it: `--help` must not pay for it. */
export function lazyCompany(options: Omit<OpenCompanyOptions, 'config'>): OpenCompany {
  return async (home, config) => {
    const { openCompany } = await import('@agentcompany/orchestrator');
    return openCompany(home, { ...options, config });
  };
}
