import { createHash } from 'node:crypto';
import { failure, success, type AppError, type Plan, type Result } from '@agentcompany/protocol';
import canonicalize from 'canonicalize';
import { message, type Draft } from '../../company/decide/draft.ts';
import { companyErrors } from '../../company/errors.ts';
import type { Run } from '../../company/records.ts';
import type { ProjectRepositories } from '../../git/repositories.ts';

export interface ManagerParts {
  readonly repositories: ProjectRepositories;
  readonly checkPlan: (plan: Plan) => Result<Plan>;
}

/**
 * Answers a `plan_request`: brings the mirror up to date, pins the base commit, starts the run's branch there, and gives the
 * checked plan. What can never succeed ends the run with its error; what may pass is left to be asked again.
 */
export async function planRun(run: Run, { repositories, checkPlan }: ManagerParts): Promise<Result<readonly Draft[]>> {
  if (run.submittedPlan === null) return success([runFailed(companyErrors.AC_PLAN_MISSING())]);
  const plan = checkPlan(run.submittedPlan);
  if (!plan.ok) return success([runFailed(plan.error)]);
  const base = await startBranch(run, repositories);
  if (!base.ok) return base.error.retry === 'never' ? success([runFailed(base.error)]) : failure(base.error);
  return success([
    message('task_plan', 'engine', { revision: 1, base_oid: base.value, plan: plan.value, hash: planHash(plan.value) }),
  ]);
}

/** sha256 of the RFC 8785 form of a plan: what an approval of it names. */
export function planHash(plan: Plan): string {
  return createHash('sha256')
    .update(canonicalize(plan) ?? '')
    .digest('hex');
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
