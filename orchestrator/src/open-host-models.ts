import { failure, parsePayload, success, type PayloadOf, type Result } from '@agentcompany/protocol';
import type { AskModel } from './api/attempt-models.ts';
import { apiErrors } from './api/errors.ts';
import type { AttemptRecord, Run } from './company/records.ts';
import { attemptEnds } from './company/states.ts';
import type { HostModelLine } from './contract/host-models.ts';
import { openLentPurse, type AttemptPurse } from './engine/attempt-purse.ts';
import type { HostParts } from './engine/host-parts.ts';
import type { CallRecord } from './models/model.ts';
import { openAttemptModels, type AttemptModelsOptions, type OpenedModels } from './open-attempt-models.ts';

export interface HostModelsOptions {
  readonly spending: Pick<HostParts, 'bus' | 'folds' | 'folders'>;
  readonly minds: Omit<AttemptModelsOptions, 'openPurse'>;
}

interface Held {
  readonly runId: string;
  readonly purse: AttemptPurse;
  readonly opened: Promise<Result<OpenedModels | null>>;
}

/**
 * The models of attempts on other machines, opened from the ledger with the first request and held until their attempt has ended:
 * a host says which attempt it asks for, and nothing else. Error: `AC_API_ATTEMPT_OVER` for one that is not under way.
 */
export function openHostModels(
  options: HostModelsOptions,
): (runId: string, attemptId: string) => Promise<Result<AskModel>> {
  const held = new Map<string, Held>();
  return async (runId, attemptId) => {
    const refreshed = await options.spending.folds.refresh(runId);
    if (!refreshed.ok) return refreshed;
    const run = refreshed.value;
    if (run !== null) await letGo(held, run);
    const record = run?.attempts.get(attemptId);
    if (run === null || record === undefined || attemptEnds.has(record.state))
      return failure(apiErrors.AC_API_ATTEMPT_OVER({ attempt: attemptId }));
    const known = held.get(attemptId) ?? hold(options, run, record);
    held.set(attemptId, known);
    const opened = await known.opened;
    if (!opened.ok) {
      held.delete(attemptId);
      await known.purse.close();
      return opened;
    }
    const models = opened.value;
    if (models === null) return failure(apiErrors.AC_API_ATTEMPT_OVER({ attempt: attemptId }));
    return success((request, signal) => linesOf(models, request, signal));
  };
}

/** Attempts that have ended spend nothing any more. */
async function letGo(held: Map<string, Held>, run: Run): Promise<void> {
  for (const [attemptId, { runId, purse }] of held) {
    const state = run.attempts.get(attemptId)?.state;
    if (runId !== run.id || (state !== undefined && !attemptEnds.has(state))) continue;
    held.delete(attemptId);
    purse.end();
    await purse.close();
  }
}

function hold({ spending, minds }: HostModelsOptions, run: Run, record: AttemptRecord): Held {
  const purse = openLentPurse(spending, run.id, record.id);
  const open = async (): Promise<Result<OpenedModels | null>> => {
    const assignment = await findAssignment(spending.bus, run.id, record.assignmentId);
    if (!assignment.ok) return assignment;
    if (assignment.value === null) return success(null);
    const { id, epoch, baseOid, slot } = record;
    return openAttemptModels(
      { ...minds, openPurse: async () => success(purse) },
      { run, attempt: { id, epoch, baseOid, slot, assignment: assignment.value } },
    );
  };
  return { runId: run.id, purse, opened: open() };
}

/** Entries read at once. */
const pageSize = 500;

async function findAssignment(
  bus: HostParts['bus'],
  runId: string,
  assignmentId: string,
): Promise<Result<PayloadOf<'task_assign'> | null>> {
  for (let after = 0; ; after += pageSize) {
    const entries = await bus.readStream(runId, { after, limit: pageSize });
    if (!entries.ok) return entries;
    const found = entries.value.find(({ envelope }) => envelope.id === assignmentId);
    if (found !== undefined) return parsePayload('task_assign', found.envelope.payload);
    if (entries.value.length < pageSize) return success(null);
  }
}

/** The events of one answer, and before each what was paid meanwhile. */
async function* linesOf(
  { ask }: OpenedModels,
  ...[request, signal]: Parameters<AskModel>
): AsyncGenerator<HostModelLine> {
  const calls: CallRecord[] = [];
  for await (const event of ask(request, { signal, onCall: (call) => calls.push(call) })) {
    for (const call of calls.splice(0)) yield { type: 'call', call };
    yield event;
  }
}
