import { rm } from 'node:fs/promises';
import type { Delivery } from '@agentcompany/agent-bus';
import { failure, success, type AppError, type PayloadOf, type Result } from '@agentcompany/protocol';
import { message, type Draft } from '../company/decide/draft.ts';
import type { Run } from '../company/records.ts';
import type { WorkerOutcome } from '../containers/worker-runner.ts';
import type { Attempt } from './attempt.ts';
import type { OpenedServices } from '../door/attempt-services.ts';
import { engineErrors } from './errors.ts';
import { giveBackWork, isHostFault } from './give-back-work.ts';
import type { HostParts } from './host-parts.ts';
import type { HeldLease } from './keeping-lease.ts';
import type { LiveJobs } from './live-jobs.ts';
import { mint } from './mint.ts';
import { persistently } from './persistently.ts';
import { attemptBundle } from './run-files.ts';
import { settlement } from './settlement.ts';

/** What an attempt was carried out under. */
export interface Work {
  readonly run: Run;
  readonly attempt: Attempt;
  readonly delivery: Delivery;
  readonly lease: HeldLease;
  /** Null where they could not be opened. */
  readonly services: OpenedServices | null;
}

/**
 * Puts the outcome of an attempt on record with the acknowledgement, once its bundle is safe where the engine ingests it. What only
 * keeps bus or engine home from answering is repeated as long as the lease is ours: a result is not thrown away for a link that is
 * down. An attempt whose lease was lost ends without a word: somebody else has the work, or will have it.
 */
export async function finishAttempt(
  parts: HostParts,
  jobs: LiveJobs,
  work: Work,
  outcome: Result<WorkerOutcome>,
): Promise<Result<unknown>> {
  const { attempt, delivery, lease, run } = work;
  if (lease.lost.aborted) return abandon(parts, attempt);
  if (!outcome.ok && (jobs.stopping || isHostFault(outcome.error))) return giveBack(parts, jobs, work, outcome.error);
  const answer = outcome.ok ? answerOf(outcome.value, work) : failure<AppError>(outcome.error);
  const patience = AbortSignal.any([lease.lost, jobs.stop]);
  if (answer.ok) {
    const file = attemptBundle(parts.folders, attempt.id);
    const bundle = { attemptId: attempt.id, file, ...answer.value.bundle };
    const delivered = await parts.repositories.deliver(bundle, patience);
    if (lease.lost.aborted) return abandon(parts, attempt);
    if (!delivered.ok) return giveBack(parts, jobs, work, delivered.error);
  }
  const items = await mint([ending(attempt, answer, outcome), ...settled(work)], {
    sender: 'workers',
    runId: run.id,
    cause: `${attempt.id} ended`,
    inReplyTo: delivery.envelope.id,
  });
  const completed = await persistently(patience, () => parts.bus.complete(delivery, items));
  if (completed.ok) lease.settle();
  const details = answer.ok ? {} : { error: answer.error };
  parts.tell('attempt-ended', { task: attempt.assignment.task.id, attempt: attempt.id, ...details });
  return completed;
}

/** What the attempt's models took, in the step that ends it; what its slices have left is free again with it (DESIGN §5). */
function settled({ attempt, services }: Work): readonly Draft[] {
  if (services === null || services.models === null) return [];
  return [settlement(attempt.assignment.task.id, attempt.id, services.account())];
}

async function abandon(parts: HostParts, attempt: Attempt): Promise<Result<undefined>> {
  parts.tell('attempt-abandoned', { task: attempt.assignment.task.id, attempt: attempt.id });
  await rm(attemptBundle(parts.folders, attempt.id), { force: true });
  return success();
}

async function giveBack(parts: HostParts, jobs: LiveJobs, work: Work, problem: AppError): Promise<Result<unknown>> {
  const { attempt, delivery, run } = work;
  const taskId = attempt.assignment.task.id;
  const error = jobs.stopping ? engineErrors.AC_HOST_STOPPED({ attempt: attempt.id }) : problem;
  const lost = message(
    'attempt_lost',
    'engine',
    { attempt_id: attempt.id, epoch: attempt.epoch, error },
    { taskId, attemptId: attempt.id },
  );
  parts.tell('attempt-given-back', { task: taskId, attempt: attempt.id, error });
  await rm(attemptBundle(parts.folders, attempt.id), { force: true });
  return giveBackWork(parts, jobs, run, delivery, [lost, ...settled(work)], problem);
}

type Answer = Result<PayloadOf<'task_complete'>['result']>;

function ending(attempt: Attempt, answer: Answer, outcome: Result<WorkerOutcome>): Draft {
  const about = { taskId: attempt.assignment.task.id, attemptId: attempt.id };
  const identity = { attempt_id: attempt.id, epoch: attempt.epoch };
  if (answer.ok) return message('task_complete', 'engine', { ...identity, result: answer.value }, about);
  const report = outcome.ok ? outcome.value.report : null;
  const account = { agent: report?.agent ?? null, verify: report?.verify ?? [] };
  return message('task_failed', 'engine', { ...identity, error: answer.error, ...account }, about);
}

/** The worker's report as a result: complete only with a commit, the agent's own account, and a bundle the host stored. */
function answerOf({ report, bundle }: WorkerOutcome, { services }: Work): Answer {
  const { commit, tree, agent, verify, error } = report;
  if (report.outcome === 'done' && commit !== null && tree !== null && agent !== null && bundle !== null) {
    return success({ commit, tree, agent, verify, bundle });
  }
  // An agent whose model was refused says whatever it makes of that: why it was is ours to know.
  return failure(services?.refusal() ?? error ?? engineErrors.AC_REPORT_INCOMPLETE());
}
