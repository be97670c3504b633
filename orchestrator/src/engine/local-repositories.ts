import { success } from '@agentcompany/protocol';
import type { HostRepositories } from './host-parts.ts';
import type { EngineParts } from './parts.ts';

/** The way of a worker host that shares the engine's home: the mirror is at hand, and a stored bundle lies where it is ingested. */
export function localRepositories(project: EngineParts['project']): HostRepositories {
  return {
    baseOf: async ({ projectId, runId }) => {
      const parts = await project(projectId);
      if (!parts.ok) return parts;
      const { repositories } = parts.value;
      const tip = await repositories.runTip(runId);
      return tip.ok ? success({ oid: tip.value, mirrorFolder: repositories.mirrorFolder }) : tip;
    },
    mirrorWith: async ({ projectId }) => {
      const parts = await project(projectId);
      return parts.ok ? success(parts.value.repositories.mirrorFolder) : parts;
    },
    deliver: async () => success(),
    deliverLog: async () => success(),
  };
}
