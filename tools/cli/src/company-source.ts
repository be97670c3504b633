import type { OpenCompany } from './io.ts';

/** Loads the company only when a command needs it: `--help` must not pay for it. */
export const openCompanyLazily: OpenCompany = async (home, config) => {
  const orchestrator: { readonly openCompany?: OpenCompany } = await import('@agentcompany/orchestrator');
  if (orchestrator.openCompany === undefined) throw new Error('@agentcompany/orchestrator does not export openCompany');
  return orchestrator.openCompany(home, config);
};
