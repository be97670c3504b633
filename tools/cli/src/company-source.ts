import type { OpenCompany, ReadRuns } from './io.ts';

/** Loads the company only when a command needs it: `--help` must not pay for it. */
export const openCompanyLazily: OpenCompany = async (home, request) => {
  const { openCompany } = await import('@agentcompany/orchestrator/open-company');
  return openCompany(home, request);
};

/** Loads far less than the company does. */
export const readRunsLazily: ReadRuns = async (home, config) => {
  const { readRuns } = await import('@agentcompany/orchestrator/read-runs');
  return readRuns(home, config);
};
