import { failure, success, type AppError, type PayloadOf, type Plan, type Result } from '@agentcompany/protocol';
import { message, type Draft } from '../../company/decide/draft.ts';
import { companyErrors } from '../../company/errors.ts';
import type { Run } from '../../company/records.ts';
import type { ProjectRepositories } from '../../git/repositories.ts';
import type { CallRecord } from '../../models/model.ts';
import { planHash } from './plan-hash.ts';
import { planningAgents, type MadePlan, type PlanMaker } from './plan-with-model.ts';

type ModelCall = NonNullable<PayloadOf<'task_plan'>['planning']>['calls'][number];

export interface ManagerParts {
  readonly repositories: ProjectRepositories;
  readonly checkPlan: (plan: unknown) => Result<Plan>;
  /** Null where no model is configured. */
  readonly makePlan: PlanMaker | null;
  readonly onCall: (call: CallRecord) => void;
  readonly signal: AbortSignal;
}

/**
 * Answers a `plan_request`: brings the mirror up to date, pins the base commit, starts the run's branch there, and gives the
 * checked plan, the submitted one or one a model makes. What can never succeed ends the run with its error; what may pass is
 * left to be asked again.
 */
export async function planRun(run: Run, parts: ManagerParts): Promise<Result<readonly Draft[]>> {
  const given = givenPlan(run, parts);
  if (!given.ok) return success([runFailed(given.error)]);
  const base = await startBranch(run, parts.repositories);
  if (!base.ok) return endOrRepeat(base.error);
  const made =
    given.value === null ? await makePlan(run, base.value, parts) : success({ plan: given.value, calls: [] });
  if (!made.ok) return endOrRepeat(made.error);
  const { plan, calls } = made.value;
  const planning = calls.length === 0 ? {} : { planning: { calls: calls.map(toRecord) } };
  return success([
    message('task_plan', 'engine', { revision: 1, base_oid: base.value, plan, hash: planHash(plan), ...planning }),
  ]);
}

/** The plan that came with the instruction, checked; null where a model is to make one. */
function givenPlan(run: Run, { checkPlan, makePlan: maker }: ManagerParts): Result<Plan | null> {
  if (run.submittedPlan !== null) return checkPlan(run.submittedPlan);
  return maker === null ? failure(companyErrors.AC_PLAN_MISSING()) : success(null);
}

async function makePlan(run: Run, base: string, parts: ManagerParts): Promise<Result<MadePlan>> {
  const { repositories, makePlan: maker, signal, onCall } = parts;
  if (maker === null) return failure(companyErrors.AC_PLAN_MISSING());
  const files = await repositories.listFiles(base);
  if (!files.ok) return files;
  const readFile = (path: string): Promise<Result<string | null>> => repositories.readText(base, path);
  const { verify, agents } = run.settings;
  const order = { instruction: run.instruction, files: files.value, readFile, verify, ...planningAgents(agents) };
  const made = await maker(order, { run, signal, onCall });
  // The call was tried several times already; only one that was called off is made again.
  return made.ok || made.error.code === 'AC_MODEL_ABORTED' ? made : failure({ ...made.error, retry: 'never' });
}

/** What one request to a model took, as the ledger keeps it. */
function toRecord({ provider, model, usage, cost_usd }: CallRecord): ModelCall {
  return { provider, model, usage: { ...usage }, cost_usd: cost_usd };
}

/** A call that was called off is one the engine stopped: whoever goes on asks again. */
function endOrRepeat(error: AppError): Result<readonly Draft[]> {
  return error.retry === 'never' && error.code !== 'AC_MODEL_ABORTED' ? success([runFailed(error)]) : failure(error);
}

function runFailed(error: AppError): Draft {
  return message('run_failed', 'engine', { error });
}

async function startBranch(run: Run, repositories: ProjectRepositories): Promise<Result<string>> {
  const fetched = await repositories.synchronize();
  if (!fetched.ok) return fetched;
  const tip = await repositories.branchTip(run.settings.integration_branch);
  if (!tip.ok) return tip;
  const created = await repositories.createRunBranch(run.id, tip.value);
  return created.ok ? repositories.runTip(run.id) : created;
}
