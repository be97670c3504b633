import {
  failure,
  success,
  type AppError,
  type CommandReport,
  type Result,
  type WorkOrder,
  type WorkReport,
} from '@agentcompany/protocol';
import { runAgent } from './run-agent.ts';
import { commitWork, resetToCommit, writeBundle, type CommittedWork } from './commit.ts';
import type { DoorClient } from './door-client.ts';
import type { GitPlace } from './git.ts';
import type { WorkerPaths } from './paths.ts';
import { prepareCheckout } from './prepare-checkout.ts';
import { runChecks } from './verify.ts';
import { openWorkspace } from './workspace.ts';

export type TaskOrder = Extract<WorkOrder, { kind: 'task' }>;

/** What the work needs of its surroundings. */
export interface Surroundings {
  readonly paths: WorkerPaths;
  readonly place: GitPlace;
  /** Ends processes a command left behind: they must not change the tree while it is checked. */
  readonly endStrays: () => void;
  /** `allowedSeconds`: how long what begins now may take before there is more to tell. */
  readonly progress: (message: string, allowedSeconds?: number) => void;
  readonly door: DoorClient;
}

interface Findings {
  agent: CommandReport | null;
  verify: readonly CommandReport[];
}

function report(findings: Findings, work: CommittedWork | null, error: AppError | null): WorkReport {
  return {
    outcome: error === null ? 'done' : 'failed',
    commit: work?.commit ?? null,
    tree: work?.tree ?? null,
    agent: findings.agent,
    verify: [...findings.verify],
    error,
  };
}

async function check(order: WorkOrder, findings: Findings, around: Surroundings): Promise<Result<undefined>> {
  around.progress('checking', order.command_timeout * order.verify.length);
  const checks = await runChecks(order.verify, around.place, order.command_timeout);
  around.endStrays();
  findings.verify = checks.reports;
  return checks.error === null ? success() : failure(checks.error);
}

/** The checks run on the commit and nothing else; without any there is nothing to put back. */
async function checkCommit(
  order: TaskOrder,
  commit: string,
  findings: Findings,
  around: Surroundings,
): Promise<Result<undefined>> {
  if (order.verify.length === 0) return success();
  const reset = await resetToCommit(commit, around.place);
  return reset.ok ? check(order, findings, around) : reset;
}

async function carryOutTask(
  order: TaskOrder,
  findings: Findings,
  around: Surroundings,
): Promise<Result<CommittedWork>> {
  const { paths, place } = around;
  // A command has nothing to tell until it ends.
  around.progress('working', order.run === null ? 0 : order.command_timeout);
  const agent = await runAgent(order, around);
  around.endStrays();
  if (!agent.ok) return agent;
  findings.agent = agent.value.report;
  if (agent.value.error !== null) return failure(agent.value.error);
  const committed = await commitWork(order, place);
  if (!committed.ok) return committed;
  const { commit } = committed.value;
  const checked = await checkCommit(order, commit, findings, around);
  if (!checked.ok) return checked;
  around.progress('handing over', order.command_timeout);
  const bundled = await writeBundle(order, commit, paths.bundle, place);
  if (!bundled.ok) return bundled;
  const uploaded = await around.door.upload(paths.bundle);
  return uploaded.ok ? committed : uploaded;
}

/** Carries out an order from checkout to hand-over. Every failure is part of the report. */
export async function carryOut(order: WorkOrder, around: Surroundings): Promise<WorkReport> {
  const findings: Findings = { agent: null, verify: [] };
  around.progress('checking out', order.command_timeout);
  if (order.kind === 'prepare') {
    const prepared = await prepareCheckout(around.paths.preparation, order, around.place);
    return report(findings, null, prepared.ok ? null : prepared.error);
  }
  const opened = await openWorkspace(around.paths, order, around.place);
  if (!opened.ok) return report(findings, null, opened.error);
  if (order.kind === 'verify') {
    const checked = await check(order, findings, around);
    return report(findings, null, checked.ok ? null : checked.error);
  }
  const work = await carryOutTask(order, findings, around);
  return work.ok ? report(findings, work.value, null) : report(findings, null, work.error);
}
