import type { OpenCompany } from './io.ts';

/** Loads the company only when a command needs it: `--help` must not pay for it. */
export const openCompanyLazily: OpenCompany = async (home, request) => {
  const { openCompany } = await import('@agentcompany/orchestrator/open-company');
  return openCompany(home, request);
};
