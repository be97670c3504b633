import { success, type Result } from '@agentcompany/protocol';
import { joinAccounts } from './company/sum-calls.ts';
import { deskWork, type DeskWork } from './desk/desk-work.ts';
import type { HostTool } from './desk/host-tool.ts';
import { openDesk } from './desk/open-desk.ts';
import { nothingOpened, type AttemptNotes, type OpenedServices } from './door/attempt-services.ts';
import { openAttemptPurse } from './engine/attempt-purse.ts';
import { openCheckpoints } from './engine/checkpoint-files.ts';
import type { HostFolders, HostParts } from './engine/host-parts.ts';
import { openAttemptModels, type AttemptModelsOptions } from './open-attempt-models.ts';

type OpenServices = HostParts['openServices'];
type PaidModels = Pick<OpenedServices, 'models' | 'account' | 'refusal' | 'close'>;

export interface ServiceParts extends Pick<DeskWork, 'bus' | 'folds'>, Pick<HostParts, 'openEgress'> {
  readonly folders: HostFolders;
  readonly openModels: (work: Parameters<OpenServices>[0]) => Promise<Result<PaidModels>>;
  /** Tools of the MCP servers that a project names; none on machines that have no configuration of the company. */
  readonly outsideTools: (projectId: string) => Promise<readonly HostTool[]>;
}

/** Opens what the doors of attempts offer; an attempt without an agent is offered the run's way out alone. */
export function attemptServices(parts: ServiceParts): OpenServices {
  return async (work) => {
    const { run, attempt } = work;
    const { agent, task } = attempt.assignment;
    const openWayOut = () => parts.openEgress({ run, taskId: task.id, attemptId: attempt.id });
    if (agent === undefined) return success({ ...nothingOpened, ...(await openWayOut()) });
    const opened = await parts.openModels(work);
    if (!opened.ok) return opened;
    const wayOut = await openWayOut();
    const desk = openDesk(deskWork(parts, work), agent.tools, () => parts.outsideTools(run.projectId));
    return success({
      ...opened.value,
      checkpoint: openCheckpoints(parts.folders, run.id, attempt),
      tools: desk.tools,
      egress: wayOut.egress,
      notes: taskNotes(parts, run.id, attempt.assignment.task.id),
      close: async () => {
        desk.close();
        await wayOut.close();
        await opened.value.close();
      },
    });
  };
}

/** Models with the keys of this machine, paid from the run's budget. */
export function paidModels(
  options: Omit<AttemptModelsOptions, 'openPurse'>,
  spending: Pick<HostParts, 'bus' | 'folds' | 'folders'>,
): ServiceParts['openModels'] {
  return async (work) => {
    const purse = openAttemptPurse(spending, work.run.id, work.attempt.id);
    const opened = await openAttemptModels({ ...options, openPurse: async () => success(purse) }, work);
    if (!opened.ok) return opened;
    if (opened.value === null) return success(nothingOpened);
    const { models, account } = opened.value;
    return success({
      models,
      account: () => joinAccounts(account(), purse.end()),
      refusal: () => purse.refusal(),
      close: () => purse.close(),
    });
  };
}

/** The notes of a task as the ledger has them at the moment. */
function taskNotes({ folds }: Pick<ServiceParts, 'folds'>, runId: string, taskId: string): AttemptNotes {
  return {
    list: async () => {
      const run = await folds.refresh(runId);
      if (!run.ok) return run;
      const notes = run.value?.tasks.get(taskId)?.notes ?? [];
      return success(notes.map(({ id, text, by }) => ({ id, text, by })));
    },
  };
}
