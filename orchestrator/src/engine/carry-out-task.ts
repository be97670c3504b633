import type { Delivery } from '@agentcompany/agent-bus';
import {
  derivedId,
  failure,
  parsePayload,
  success,
  type AppError,
  type PayloadOf,
  type Result,
} from '@agentcompany/protocol';
import { message, record, type Draft } from '../company/decide/draft.ts';
import type { Run } from '../company/records.ts';
import type { WorkerJob, WorkerOutcome } from '../containers/worker-runner.ts';
import { engineErrors } from './errors.ts';
import type { LiveJobs } from './live-jobs.ts';
import { mint } from './mint.ts';
import type { EngineParts } from './parts.ts';
import { runAndConclude } from './run-and-conclude.ts';
import { attemptBundle, attemptLog } from './run-files.ts';
import { workerLimits } from './worker-limits.ts';
import { giveBackWork, isHostFault } from './give-back-work.ts';

/** The ref a worker's bundle must carry, and no other. */
export function resultReference(attemptId: string): string {
  return `refs/agentcompany/results/${attemptId}`;
}

interface Attempt {
  readonly id: string;
  readonly epoch: number;
  readonly baseOid: string;
  readonly taskId: string;
  readonly assignment: PayloadOf<'task_assign'>;
}

/** One assignment in one fresh container: attempt on record, container, result on record with the acknowledgement. */
export async function carryOutTask(
  parts: EngineParts,
  jobs: LiveJobs,
  slot: string,
  run: Run,
  delivery: Delivery,
): Promise<Result<unknown>> {
  const { envelope } = delivery;
  const assignment = parsePayload('task_assign', envelope.payload);
  if (!assignment.ok) return parts.bus.reject(delivery, assignment.error, []);
  const taskId = assignment.value.task.id;
  const task = run.tasks.get(taskId);
  const isWanted = task?.assignmentId === envelope.id && (task.state === 'assigned' || task.state === 'running');
  if (!isWanted) return parts.bus.complete(delivery, []);
  const project = await parts.project(run.projectId);
  if (!project.ok) return giveBackWork(parts, jobs, run, delivery, null, project.error);
  const base = await project.value.repositories.runTip(run.id);
  if (!base.ok) return giveBackWork(parts, jobs, run, delivery, null, base.error);
  const id = await derivedId(`attempt ${delivery.epoch} of ${envelope.id}`);
  const attempt: Attempt = { id, epoch: delivery.epoch, baseOid: base.value, taskId, assignment: assignment.value };
  // Open before the attempt is on record: a cancellation that follows it must not be missed.
  const live = jobs.open(id, run.id, taskId);
  try {
    const begun = await begin(parts, run, attempt, slot, envelope.id);
    if (!begun.ok) return begun;
    const recorded = await parts.folds.refresh(run.id);
    if (!recorded.ok) return recorded;
    // Refused where the task was cancelled in between: nobody waits for this work.
    if (!recorded.value?.attempts.has(id)) return await parts.bus.complete(delivery, []);
    const job = jobOf(parts, run, attempt, project.value.repositories.mirrorFolder, live.signal);
    return await runAndConclude(parts.runner, job, (outcome) => finish(parts, jobs, run, attempt, delivery, outcome));
  } finally {
    live.close();
  }
}

/** Puts the attempt on record, an earlier one of a host that died as lost, before any container exists. */
async function begin(
  parts: EngineParts,
  run: Run,
  attempt: Attempt,
  slot: string,
  assignmentId: string,
): Promise<Result<unknown>> {
  const about = { taskId: attempt.taskId, attemptId: attempt.id };
  const drafts: Draft[] = [];
  const task = run.tasks.get(attempt.taskId);
  const previous = task?.state === 'running' ? run.attempts.get(task.attemptId ?? '') : undefined;
  if (previous !== undefined) {
    const error = engineErrors.AC_HOST_DIED({ attempt: previous.id });
    const lost = { attempt_id: previous.id, epoch: previous.epoch, error };
    // To the engine too: where the task is being cancelled, this is what the cancellation waits for.
    drafts.push(message('attempt_lost', 'engine', lost, { taskId: attempt.taskId, attemptId: previous.id }));
  }
  drafts.push(
    record(
      'attempt_started',
      {
        attempt_id: attempt.id,
        round: attempt.assignment.round,
        epoch: attempt.epoch,
        host_id: parts.hostId,
        slot,
        base_oid: attempt.baseOid,
      },
      about,
    ),
    record(
      'effect_request',
      { effect: { kind: 'container', key: containerKey(attempt.id), attempt_id: attempt.id } },
      about,
    ),
  );
  const items = await mint(drafts, { sender: 'workers', runId: run.id, cause: attempt.id, inReplyTo: assignmentId });
  return parts.bus.send(items);
}

function containerKey(attemptId: string): string {
  return `attempt/${attemptId}/container`;
}

function jobOf(parts: EngineParts, run: Run, attempt: Attempt, mirrorFolder: string, signal: AbortSignal): WorkerJob {
  const { task, verify, feedback, image } = attempt.assignment;
  const timeout = task.timeout ?? run.settings.command_timeout;
  const about = { taskId: task.id, attemptId: attempt.id };
  const send = async (draft: Draft, cause: string): Promise<Result<undefined>> => {
    const items = await mint([draft], { sender: 'workers', runId: run.id, cause, inReplyTo: null });
    const sent = await parts.bus.send(items);
    return sent.ok ? success() : sent;
  };
  let progress = 0;
  return {
    owner: { instance: parts.instance, run: run.id, task: task.id, attempt: attempt.id, epoch: attempt.epoch },
    order: {
      kind: 'task',
      attempt_id: attempt.id,
      title: task.title,
      instructions: task.instructions,
      run: task.run,
      allow_empty: task.allow_empty,
      feedback,
      result_ref: resultReference(attempt.id),
      mirror: '/mirror.git',
      base_oid: attempt.baseOid,
      command_timeout: timeout,
      verify,
    },
    mirrorFolder,
    image,
    limits: workerLimits(run.settings),
    bundleFile: attemptBundle(parts.home, attempt.id),
    logFile: attemptLog(parts.home, run.id, attempt.id),
    // Clone, commit and hand-over come on top of the agent's command and each check.
    deadlineSeconds: timeout * (verify.length + 1) + 120,
    signal,
    onCreated: (containerId) =>
      send(
        record(
          'effect_result',
          {
            key: containerKey(attempt.id),
            kind: 'container',
            outcome: { kind: 'container', container_id: containerId },
            error: null,
          },
          about,
        ),
        `container of ${attempt.id}`,
      ),
    onProgress: (text) => {
      progress += 1;
      void send(
        record('task_progress', { attempt_id: attempt.id, message: text }, about),
        `progress ${progress} of ${attempt.id}`,
      );
    },
  };
}

async function finish(
  parts: EngineParts,
  jobs: LiveJobs,
  run: Run,
  attempt: Attempt,
  delivery: Delivery,
  outcome: Result<WorkerOutcome>,
): Promise<Result<unknown>> {
  const about = { taskId: attempt.taskId, attemptId: attempt.id };
  const identity = { attempt_id: attempt.id, epoch: attempt.epoch };
  if (!outcome.ok && (jobs.stopping || isHostFault(outcome.error))) {
    const error = jobs.stopping ? engineErrors.AC_HOST_STOPPED({ attempt: attempt.id }) : outcome.error;
    const lost = message('attempt_lost', 'engine', { ...identity, error }, about);
    return giveBackWork(parts, jobs, run, delivery, lost, outcome.error);
  }
  const answer = outcome.ok ? answerOf(outcome.value) : failure<AppError>(outcome.error);
  const report = outcome.ok ? outcome.value.report : null;
  const draft = answer.ok
    ? message('task_complete', 'engine', { ...identity, result: answer.value }, about)
    : message(
        'task_failed',
        'engine',
        { ...identity, error: answer.error, agent: report?.agent ?? null, verify: report?.verify ?? [] },
        about,
      );
  const items = await mint([draft], {
    sender: 'workers',
    runId: run.id,
    cause: `${attempt.id} ended`,
    inReplyTo: delivery.envelope.id,
  });
  return parts.bus.complete(delivery, items);
}

/** The worker's report as a result: complete only with a commit, the agent's own account, and a bundle the host stored. */
function answerOf({ report, bundle }: WorkerOutcome): Result<PayloadOf<'task_complete'>['result']> {
  const { commit, tree, agent, verify, error } = report;
  if (report.outcome === 'done' && commit !== null && tree !== null && agent !== null && bundle !== null) {
    return success({ commit, tree, agent, verify, bundle });
  }
  return failure(error ?? engineErrors.AC_REPORT_INCOMPLETE());
}
