import { success } from '@agentcompany/protocol';
import { deskWork, type DeskWork } from './desk/desk-work.ts';
import type { HostTool } from './desk/host-tool.ts';
import { openDesk } from './desk/open-desk.ts';
import { nothingOpened } from './door/attempt-services.ts';
import { openCheckpoints } from './engine/checkpoint-files.ts';
import type { HostParts } from './engine/host-parts.ts';
import { openAttemptModels, type AttemptModelsOptions } from './open-attempt-models.ts';

export interface ServiceParts extends Pick<DeskWork, 'bus' | 'folds'> {
  readonly models: AttemptModelsOptions;
  /** Tools of the MCP servers that a project names. */
  readonly outsideTools: (projectId: string) => Promise<readonly HostTool[]>;
}

/** Opens what the doors of attempts offer on the engine's own machine; an attempt without an agent is offered nothing. */
export function attemptServices(parts: ServiceParts): HostParts['openServices'] {
  return async (work) => {
    const { run, attempt } = work;
    const { agent } = attempt.assignment;
    if (agent === undefined) return success(nothingOpened);
    const opened = await openAttemptModels(parts.models, work);
    if (!opened.ok) return opened;
    const desk = openDesk(deskWork(parts, work), agent.tools, () => parts.outsideTools(run.projectId));
    return success({
      ...nothingOpened,
      ...opened.value,
      checkpoint: openCheckpoints(parts.models.home, run.id, attempt),
      tools: desk.tools,
      close: async () => desk.close(),
    });
  };
}
