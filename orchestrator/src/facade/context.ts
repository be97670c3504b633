import type { AgentBus, OpenBusOptions } from '@agentcompany/agent-bus';
import type { CompanyHome } from '../company-home.ts';
import type { Config, Environment } from '../config.ts';
import type { AgentFolders } from '../definitions/load-agents.ts';
import type { ReadModel } from '../engine/read-model.ts';
import type { Projects } from '../open-projects.ts';

/** What the parts of the facade share. */
export interface FacadeContext {
  readonly home: CompanyHome;
  readonly bus: AgentBus;
  /** How `bus` was opened. */
  readonly store: OpenBusOptions;
  readonly model: ReadModel;
  readonly projects: Projects;
  readonly agents: AgentFolders;
  readonly config: Config;
  readonly environment: Environment;
}
