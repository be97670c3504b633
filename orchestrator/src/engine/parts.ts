import type { AgentBus } from '@agentcompany/agent-bus';
import type { Result } from '@agentcompany/protocol';
import type { PlanMaker } from '../agents/manager/plan-with-model.ts';
import type { Triager } from '../agents/manager/triage-with-model.ts';
import type { ModelReviewer } from '../agents/reviewer/review-with-model.ts';
import type { CompanyHome } from '../company-home.ts';
import type { Forge } from '../forges/forge.ts';
import type { ProjectRepositories } from '../git/repositories.ts';
import type { KnownSecret } from '../text/find-secrets.ts';
import type { HostParts } from './host-parts.ts';
import type { Log } from './log.ts';
import type { RunFolds } from './run-folds.ts';
import type { Turns } from './turns.ts';

/** One project's two sides: its source and where its pull requests live. */
export interface ProjectParts {
  readonly repositories: ProjectRepositories;
  readonly forge: Forge;
}

/** What other machines reach the engine home by. */
export interface HostService {
  close(): Promise<void>;
}

/** All that the engine's loops stand on; the adapters behind are chosen by `openCompany`. */
export interface EngineParts {
  readonly home: CompanyHome;
  readonly bus: AgentBus;
  /** Null where no model is configured. */
  readonly makePlan: PlanMaker | null;
  /** Null where the company has no minds at all. */
  readonly triage: Triager | null;
  /** Null where no model is configured. */
  readonly reviewByModel: ModelReviewer | null;
  /** The company's own secrets: what holds one is not published. */
  readonly secrets: readonly KnownSecret[];
  readonly folds: RunFolds;
  readonly project: (id: string) => Promise<Result<ProjectParts>>;
  readonly leaseMs: number;
  readonly log: Log;
  /** Absent: whoever comes first. */
  readonly turns?: Turns;
  /** The worker host beside the engine; null where all work is done on other machines. */
  readonly host: HostParts | null;
  /** Lets hosts on other machines in; null where there are none. Called once what a crash left is swept. */
  readonly serveHosts: (() => Promise<Result<HostService>>) | null;
}
