import {
  failure,
  newId,
  success,
  type AgentDefinition,
  type Envelope,
  type Plan,
  type PlanRevision,
  type Result,
} from '@agentcompany/protocol';
import { planHash } from '../agents/manager/plan-hash.ts';
import { currentPlan } from '../company/current-plan.ts';
import { companyErrors } from '../company/errors.ts';
import { differenceOf } from '../company/plan-difference.ts';
import type { Run } from '../company/records.ts';
import { findRevisionProblem, revisedPlan } from '../company/revision-check.ts';
import type { Company, PlanChange, ReviseRequest } from '../company-facade.ts';
import { RunFolds } from '../engine/run-folds.ts';
import { orchestratorErrors } from '../errors.ts';
import type { FacadeContext } from './context.ts';
import { findRun } from './find-run.ts';
import { agentsOfRun, checkAgentModels } from './run-agents.ts';

const sender = 'president';

/** A run's plan as it stands, and changes of it while the run is under way. */
export function openPlanDesk(context: FacadeContext): Pick<Company, 'currentPlan' | 'revisePlan'> {
  return {
    currentPlan: async (id) => {
      const run = await foldedRun(context, id);
      if (!run.ok) return run;
      const plan = currentPlan(run.value);
      return plan === null ? failure(untimely(run.value, 'it has none yet')) : success(plan);
    },
    revisePlan: (id, request) => revisePlan(context, id, request),
  };
}

/**
 * Puts the change on record only if the stream stands where it was checked: else it is checked against what stands there then. So nobody
 * is told that a change was taken which the run then refuses.
 */
async function revisePlan(context: FacadeContext, id: string, request: ReviseRequest): Promise<Result<PlanChange>> {
  for (;;) {
    const run = await foldedRun(context, id);
    if (!run.ok) return run;
    const planned = await revisionOf(context, run.value, request);
    if (!planned.ok) return planned;
    const change = changeOf(run.value, planned.value);
    if (request.dryRun) return success(change);
    const envelope: Envelope = {
      version: '1',
      id: newId(),
      sender,
      recipient: 'engine',
      envelope_type: 'plan_revision',
      payload: { ...planned.value },
      context: { run_id: run.value.id },
      inReplyTo: null,
      created_at: new Date().toISOString(),
    };
    const expect = { stream: run.value.id, version: run.value.version };
    const sent = await context.bus.send([{ envelope }], { expect });
    if (sent.ok) return success(change);
    if (sent.error.code !== 'AC_BUS_CONFLICT') return sent;
  }
}

async function revisionOf(
  context: FacadeContext,
  run: Run,
  { plan, reason }: ReviseRequest,
): Promise<Result<PlanRevision>> {
  if (run.plan === null) return failure(untimely(run, 'it has none yet'));
  const agents = await newAgents(context, run, plan);
  if (!agents.ok) return agents;
  const draft: PlanRevision = {
    revision: run.revision + 1,
    reason: reason.trim() === '' ? 'changed by the president' : reason.trim(),
    by: sender,
    ...differenceOf(run, plan),
    feedback: null,
    agents: [...agents.value],
  };
  const problem = findRevisionProblem(run, draft);
  if (problem !== null) return failure(problem);
  const revised = revisedPlan(run, draft);
  return success(revised === null ? draft : { ...draft, hash: planHash(revised) });
}

/** Definitions of the agents that the plan names and the run does not know yet; what they will ask of models is tried now. */
async function newAgents(context: FacadeContext, run: Run, plan: Plan): Promise<Result<readonly AgentDefinition[]>> {
  const known = new Set(run.settings.agents.map(({ name }) => name));
  const unknown = { ...plan, tasks: plan.tasks.filter(({ agent }) => !known.has(agent)) };
  const named = agentsOfRun(context, unknown, undefined);
  if (!named.ok) return named;
  const added = named.value.filter(({ name, role }) => role === 'worker' && !known.has(name));
  const openable = await checkAgentModels(context, plan, [...run.settings.agents, ...added]);
  return openable.ok ? success(added) : openable;
}

function changeOf(run: Run, revision: PlanRevision): PlanChange {
  const { add, change = [], remove = [], supersede } = revision;
  const stage = run.state === 'paused' || run.state === 'needs_attention' ? run.returnsTo : run.state;
  const successors = new Set(supersede.map(({ by }) => by));
  return {
    run_id: run.id,
    state: run.state,
    revision: revision.revision,
    add: add.filter(({ id }) => !successors.has(id)).map(({ id, title }) => ({ task_id: id, title })),
    change: change.map(({ id, title }) => ({ task_id: id, title })),
    supersede: supersede.map(({ task_id, by }) => ({ task_id, by, state: run.tasks.get(task_id)?.state ?? '' })),
    remove: remove.map((id) => ({ task_id: id, state: run.tasks.get(id)?.state ?? '' })),
    whole: revision.plan !== undefined,
    asks_approval: run.settings.approvals.plan === 'person' && stage !== 'pending',
  };
}

function untimely(run: Run, why: string): ReturnType<typeof companyErrors.AC_REVISION_UNTIMELY> {
  return companyErrors.AC_REVISION_UNTIMELY({ run: run.id, why });
}

/** The run folded to the end of its stream, by its id or a beginning of it. Errors: `AC_RUN_UNKNOWN`, `AC_RUN_AMBIGUOUS`. */
export async function foldedRun(context: FacadeContext, id: string): Promise<Result<Run>> {
  const found = await findRun(context, id);
  if (!found.ok) return found;
  const folded = await new RunFolds(context.bus).refresh(found.value.run_id);
  if (!folded.ok) return folded;
  return folded.value === null ? failure(orchestratorErrors.AC_RUN_UNKNOWN({ run: id })) : success(folded.value);
}
