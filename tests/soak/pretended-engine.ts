import type { AgentBus } from '@agentcompany/agent-bus';
import { success } from '@agentcompany/protocol';
import type { CompanyHome } from '../../orchestrator/src/company-home.ts';
import { noWayOut, nothingOpened } from '../../orchestrator/src/door/attempt-services.ts';
import type { HostParts } from '../../orchestrator/src/engine/host-parts.ts';
import { localRepositories } from '../../orchestrator/src/engine/local-repositories.ts';
import type { EngineParts, ProjectParts } from '../../orchestrator/src/engine/parts.ts';
import { RunFolds } from '../../orchestrator/src/engine/run-folds.ts';
import { pretendedRunner } from './pretended-runner.ts';

export interface PretendedEngineOptions {
  readonly bus: AgentBus;
  readonly home: CompanyHome;
  readonly outside: ProjectParts;
  readonly hostId: string;
  readonly seed: number;
}

/** The parts of a real engine over a real bus whose containers, repository and forge are pretended. */
export function pretendedEngine(options: PretendedEngineOptions): EngineParts & { readonly host: HostParts } {
  const { bus, home, outside, hostId, seed } = options;
  const log = (): void => undefined;
  const project: EngineParts['project'] = async () => success(outside);
  const common = { bus, folds: new RunFolds(bus), leaseMs: 60_000, log };
  return {
    ...common,
    home,
    project,
    host: {
      ...common,
      folders: home,
      instance: 'pretended',
      hostId,
      runner: pretendedRunner(seed),
      repositories: localRepositories(project),
      openServices: async () => success(nothingOpened),
      openEgress: async () => noWayOut,
      maximumWorkers: 4,
      tell: log,
    },
    makePlan: null,
    triage: null,
    reviewByModel: null,
    secrets: [],
    serveHosts: null,
  };
}
