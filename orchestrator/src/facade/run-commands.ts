import {
  type AgentDefinition,
  derivedId,
  failure,
  newId,
  success,
  type EnvelopeType,
  type Envelope,
  type PayloadOf,
  type Plan,
  type Result,
  type RunSettings,
} from '@agentcompany/protocol';
import { reviewerErrors } from '../agents/reviewer/errors.ts';
import { runEnds, type RunState } from '../company/states.ts';
import type { RunView } from '../company/view.ts';
import type { Company, SubmitRequest } from '../company-facade.ts';
import { checkPlan } from '../company/plan-check.ts';
import { loadConfig, memoryBytes, type Config } from '../config.ts';
import { egressSettingsOf } from '../egress-config.ts';
import { orchestratorErrors } from '../errors.ts';
import { openModel } from '../open-models.ts';
import { showProject, type Project } from '../projects.ts';
import type { FacadeContext } from './context.ts';
import { findRun } from './find-run.ts';
import { agentsOfRun, checkAgentModels } from './run-agents.ts';
import { reviewerModel } from './model-reviewer.ts';

const sender = 'president';

/** Everything that changes a run: an envelope to the engine's queue, whether an engine is at work or not (DESIGN §2). */
export function openRunCommands(
  context: FacadeContext,
): Pick<Company, 'submit' | 'answerApproval' | 'cancelRun' | 'pauseRun' | 'resumeRun'> {
  return {
    submit: (request) => submit(context, request),
    answerApproval: (id, answer) => answerApproval(context, id, answer),
    cancelRun: (id, reason) => command(context, id, 'run_cancel', { by: sender, reason }),
    pauseRun: (id) => command(context, id, 'run_pause', { by: sender }),
    resumeRun: (id, budget = {}) => command(context, id, 'run_resume', { by: sender, ...budget }),
  };
}

async function submit(context: FacadeContext, request: SubmitRequest): Promise<Result<{ readonly runId: string }>> {
  if (request.instruction.trim() === '') return failure(orchestratorErrors.AC_INSTRUCTION_EMPTY());
  const project = showProject(context.home, request.projectId);
  if (!project.ok) return project;
  const plan = await planFor(context, request);
  if (!plan.ok) return plan;
  const settings = settingsFor(context, project.value, request, plan.value);
  if (!settings.ok) return settings;
  const openable = await checkAgentModels(context, plan.value, settings.value.agents);
  if (!openable.ok) return openable;
  const reviewer = await checkReviewer(context, settings.value);
  if (!reviewer.ok) return reviewer;
  const id = request.idempotencyKey === undefined ? newId() : await derivedId(`submit ${request.idempotencyKey}`);
  if (request.idempotencyKey !== undefined) {
    const known = await context.bus.streamVersion(id);
    if (!known.ok) return known;
    if (known.value > 0) return success({ runId: id });
  }
  const payload: PayloadOf<'task_submit'> = {
    project_id: project.value.id,
    instruction: request.instruction,
    plan: plan.value,
    settings: settings.value,
  };
  const sent = await send(context, { id, runId: id, type: 'task_submit', payload });
  // Of two who give the same key at once, one comes second: the first one's run is theirs too.
  const isKnown = !sent.ok && request.idempotencyKey !== undefined && sent.error.code === 'AC_BUS_ID_CONFLICT';
  return sent.ok || isKnown ? success({ runId: id }) : sent;
}

/** The checked plan, or null where a model makes it later: one that cannot even be opened is told at once. */
async function planFor(context: FacadeContext, { plan }: SubmitRequest): Promise<Result<Plan | null>> {
  if (plan !== null) return checkPlan(plan);
  if (context.config.model === null)
    return failure(orchestratorErrors.AC_MODEL_UNAVAILABLE({ detail: 'none is configured' }));
  const model = await openModel(context);
  return model.ok ? success(null) : model;
}

/** A model that has to review is opened here: what is wrong with it is told at once. */
async function checkReviewer(context: FacadeContext, { review, agents }: RunSettings): Promise<Result<undefined>> {
  if (review !== 'model') return success();
  const name = agents.find(({ role }) => role === 'reviewer')?.model ?? reviewerModel(context.config);
  if (name === null) return failure(reviewerErrors.AC_REVIEW_MODEL_MISSING());
  const model = await openModel(context, name);
  return model.ok ? success() : model;
}

/** What the run is promised, kept on record: configuration, the project's policy over it, the command's own flags over both. */
function settingsFor(
  context: FacadeContext,
  project: Project,
  request: SubmitRequest,
  plan: Plan | null,
): Result<RunSettings> {
  const agents = agentsOfRun(context, plan, project.agent);
  if (!agents.ok) return agents;
  const loaded = loadConfig({
    home: context.home,
    environment: context.environment,
    ...(project.policy === undefined ? {} : { project: project.policy }),
    ...(request.settings === undefined ? {} : { flags: request.settings }),
  });
  if (!loaded.ok) return loaded;
  const { config } = loaded.value;
  const { max_attempts, max_review_rounds, on_failure, approvals } = config;
  return success({
    max_attempts,
    max_review_rounds,
    on_failure,
    approvals: { ...approvals },
    default_branch: project.default_branch,
    integration_branch: project.integration_branch,
    image: project.image ?? null,
    devcontainer: project.devcontainer ?? false,
    command_timeout: config.command_timeout,
    worker_memory_bytes: memoryBytes(config.worker_memory_limit),
    worker_cpus: config.worker_cpus,
    verify: [...(project.verify ?? [])],
    agents: [...agents.value],
    // Nothing can judge without a model: then the rules alone do.
    review: config.review === 'auto' && reviewerModel(config) === null ? 'rules' : config.review,
    budget_usd: config.budget_usd,
    budget_tokens: config.budget_tokens,
    fallback_model: config.fallback_model,
    egress: egressSettingsOf(config),
    // Without a Manager on the run's staff, or a model, a person is asked as ever.
    max_triages: canTriage(context.config, agents.value) ? config.max_triages : 0,
    quiet_seconds: config.quiet_seconds,
  });
}

function canTriage({ model }: Pick<Config, 'model'>, agents: readonly AgentDefinition[]): boolean {
  const manager = agents.find(({ role }) => role === 'manager');
  return manager !== undefined && (manager.model ?? model) !== null;
}

async function answerApproval(
  context: FacadeContext,
  id: string,
  answer: { readonly approvalId?: string; readonly decision: 'approve' | 'reject'; readonly comment: string },
): Promise<Result<undefined>> {
  const run = await openRun(context, id);
  if (!run.ok) return run;
  const { run_id: runId, approvals } = run.value;
  const approval =
    answer.approvalId === undefined
      ? approvals[0]
      : approvals.find(({ approval_id: known }) => known === answer.approvalId);
  if (approval === undefined) return failure(orchestratorErrors.AC_APPROVAL_NONE({ run: runId }));
  if (Date.parse(approval.expires_at) < Date.now()) {
    const expired = { approval: approval.approval_id, run: runId, expired: approval.expires_at };
    return failure(orchestratorErrors.AC_APPROVAL_EXPIRED(expired));
  }
  const payload: PayloadOf<'approval_response'> = {
    approval_id: approval.approval_id,
    hash: approval.hash,
    decision: answer.decision,
    comment: answer.comment,
    by: sender,
  };
  return send(context, { id: newId(), runId, type: 'approval_response', payload });
}

async function command(
  context: FacadeContext,
  id: string,
  type: 'run_cancel' | 'run_pause' | 'run_resume',
  payload: Record<string, unknown>,
): Promise<Result<undefined>> {
  const run = await openRun(context, id);
  return run.ok ? send(context, { id: newId(), runId: run.value.run_id, type, payload }) : run;
}

/** Error: `AC_RUN_ENDED`. */
async function openRun(context: FacadeContext, id: string): Promise<Result<RunView>> {
  const run = await findRun(context, id);
  if (!run.ok || !runEnds.has(run.value.state as RunState)) return run;
  return failure(orchestratorErrors.AC_RUN_ENDED({ run: run.value.run_id, state: run.value.state }));
}

interface Message {
  readonly id: string;
  readonly runId: string;
  readonly type: EnvelopeType;
  readonly payload: Record<string, unknown>;
}

async function send({ bus }: FacadeContext, { id, runId, type, payload }: Message): Promise<Result<undefined>> {
  const envelope: Envelope = {
    version: '1',
    id,
    sender,
    recipient: 'engine',
    envelope_type: type,
    payload,
    context: { run_id: runId },
    inReplyTo: null,
    created_at: new Date().toISOString(),
  };
  const sent = await bus.send([{ envelope }]);
  return sent.ok ? success() : sent;
}
