import type { AgentBus } from '@agentcompany/agent-bus';
import type { Result } from '@agentcompany/protocol';
import type { PlanMaker } from '../agents/manager/plan-with-model.ts';
import type { CompanyHome } from '../company-home.ts';
import type { WorkerRunner } from '../containers/worker-runner.ts';
import type { Forge } from '../forges/forge.ts';
import type { ProjectRepositories } from '../git/repositories.ts';
import type { Log } from './log.ts';
import type { RunFolds } from './run-folds.ts';

/** One project's two sides: its source and where its pull requests live. */
export interface ProjectParts {
  readonly repositories: ProjectRepositories;
  readonly forge: Forge;
}

/** All that the engine's loops stand on; the adapters behind are chosen by `openCompany`. */
export interface EngineParts {
  readonly home: CompanyHome;
  /** The uuid of this company home: the owner written on every container. */
  readonly instance: string;
  readonly hostId: string;
  readonly bus: AgentBus;
  /** Null where no model is configured. */
  readonly makePlan: PlanMaker | null;
  readonly folds: RunFolds;
  readonly runner: WorkerRunner;
  readonly project: (id: string) => Promise<Result<ProjectParts>>;
  readonly maximumWorkers: number;
  readonly leaseMs: number;
  readonly log: Log;
}
