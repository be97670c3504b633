import { openBus, type AgentBus, type CommonBusOptions } from '@agentcompany/agent-bus';
import type { Result } from '@agentcompany/protocol';

export interface ThirdPartyBusOptions extends CommonBusOptions {
  readonly folder: string;
}

/** Opens the adapter. This one stands on the SQLite bus; yours builds its own. */
export function openThirdPartyBus({ folder, ...common }: ThirdPartyBusOptions): Promise<Result<AgentBus>> {
  return openBus({ adapter: 'sqlite', folder, ...common });
}
