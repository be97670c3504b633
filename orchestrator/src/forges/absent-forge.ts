import { failure, type Result } from '@agentcompany/protocol';
import { forgeErrors } from './errors.ts';
import type { Forge } from './forge.ts';

/**
 * The forge of a project that lies at an address whose forge has no adapter here: the branch is pushed, the pull request is
 * a person's to open (C33).
 */
export function absentForge(place: string): Forge {
  const refuse = async (): Promise<Result<never>> => failure(forgeErrors.AC_FORGE_ABSENT({ place }));
  return {
    openPullRequest: refuse,
    findByKey: refuse,
    listPullRequests: async () => ({ ok: true, value: [] }),
    showPullRequest: refuse,
    mergePullRequest: refuse,
  };
}
