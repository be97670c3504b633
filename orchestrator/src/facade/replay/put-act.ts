import type { AgentBus } from '@agentcompany/agent-bus';
import {
  failure,
  newId,
  parsePayload,
  success,
  type AppError,
  type Envelope,
  type Result,
} from '@agentcompany/protocol';
import { planHash } from '../../agents/manager/plan-hash.ts';
import { findNoteProblem } from '../../company/notes.ts';
import type { Run } from '../../company/records.ts';
import { findRevisionProblem, revisedPlan } from '../../company/revision-check.ts';
import { runEnds } from '../../company/states.ts';
import type { RunFolds } from '../../engine/run-folds.ts';
import { orchestratorErrors } from '../../errors.ts';
import { facadeErrors } from '../errors.ts';
import type { Act } from './recorded-acts.ts';

/** Where a run is carried out again. */
export interface ActPlace {
  readonly bus: AgentBus;
  readonly folds: RunFolds;
  readonly runId: string;
}

/**
 * Puts an act of a recorded run on record for the run that is carried out again, only where it fits that run as it stands: the same rules
 * hold as for whoever does it the first time. Gives `taken`, or the code of what keeps it from being taken.
 */
export async function putAct({ bus, folds, runId }: ActPlace, act: Act): Promise<string> {
  for (;;) {
    const run = await folds.refresh(runId);
    if (!run.ok) return run.error.code;
    const payload = run.value === null ? unknownRun(runId) : payloadOf(run.value, act);
    if (!payload.ok) return payload.error.code;
    const { envelope } = act;
    const again: Envelope = {
      ...envelope,
      id: newId(),
      payload: payload.value,
      context: { ...envelope.context, run_id: runId },
      created_at: new Date().toISOString(),
    };
    const item = act.kind === 'note' ? { envelope: again, queue: null } : { envelope: again };
    const version = run.value?.version ?? 0;
    const sent = await bus.send([item], { expect: { stream: runId, version } });
    if (sent.ok) return 'taken';
    if (sent.error.code !== 'AC_BUS_CONFLICT') return sent.error.code;
  }
}

function unknownRun(run: string): Result<never> {
  return failure(orchestratorErrors.AC_RUN_UNKNOWN({ run }));
}

/** What the act says of this run; its error where the run would not take it. */
function payloadOf(run: Run, { kind, envelope, taskId }: Act): Result<Envelope['payload']> {
  if (kind === 'revision') return revisionOf(run, envelope);
  const problem = kind === 'note' ? noteProblem(run, taskId ?? '') : resumeProblem(run);
  return problem === null ? success(envelope.payload) : failure(problem);
}

function revisionOf(run: Run, { payload }: Envelope): Result<Envelope['payload']> {
  const recorded = parsePayload('plan_revision', payload);
  if (!recorded.ok) return recorded;
  const known = new Set(run.settings.agents.map(({ name }) => name));
  const agents = recorded.value.agents?.filter(({ name }) => !known.has(name)) ?? [];
  const draft = { ...recorded.value, revision: run.revision + 1, agents };
  const problem = findRevisionProblem(run, draft);
  if (problem !== null) return failure(problem);
  const plan = revisedPlan(run, draft);
  return success(plan === null ? draft : { ...draft, hash: planHash(plan) });
}

function noteProblem(run: Run, taskId: string): AppError | null {
  const task = run.tasks.get(taskId);
  return task === undefined ? facadeErrors.AC_TASK_UNKNOWN({ run: run.id, task: taskId }) : findNoteProblem(run, task);
}

function resumeProblem({ id, state }: Run): AppError | null {
  return runEnds.has(state) ? orchestratorErrors.AC_RUN_ENDED({ run: id, state }) : null;
}
