import type { Delivery } from '@agentcompany/agent-bus';
import {
  derivedId,
  parsePayload,
  success,
  type AppError,
  type CommandReport,
  type Effect,
  type Result,
} from '@agentcompany/protocol';
import { message, type Draft } from '../company/decide/draft.ts';
import type { Run } from '../company/records.ts';
import type { WorkerJob, WorkerOutcome } from '../containers/worker-runner.ts';
import { giveBackWork, isHostFault } from './give-back-work.ts';
import type { LiveJobs } from './live-jobs.ts';
import { mint } from './mint.ts';
import type { EngineParts } from './parts.ts';
import { runAndConclude } from './run-and-conclude.ts';
import { attemptLog } from './run-files.ts';
import { workerLimits } from './worker-limits.ts';

type Verify = Extract<Effect, { kind: 'verify' }>;

/** Checks one commit in a fresh container (DESIGN §5) and puts the outcome on record with the acknowledgement. */
export async function carryOutVerification(
  parts: EngineParts,
  jobs: LiveJobs,
  run: Run,
  delivery: Delivery,
): Promise<Result<unknown>> {
  const { envelope } = delivery;
  const request = parsePayload('effect_request', envelope.payload);
  if (!request.ok) return parts.bus.reject(delivery, request.error, []);
  const { effect } = request.value;
  if (effect.kind !== 'verify') return parts.bus.complete(delivery, []);
  const project = await parts.project(run.projectId);
  if (!project.ok) return giveBackWork(parts, jobs, run, delivery, null, project.error);
  const owner = await derivedId(`attempt ${delivery.epoch} of ${envelope.id}`);
  const live = jobs.open(owner, run.id, null);
  try {
    const job = jobOf(parts, run, effect, owner, delivery.epoch, project.value.repositories.mirrorFolder, live.signal);
    return await runAndConclude(parts.runner, job, (outcome) => finish(parts, jobs, run, effect, delivery, outcome));
  } finally {
    live.close();
  }
}

async function finish(
  parts: EngineParts,
  jobs: LiveJobs,
  run: Run,
  effect: Verify,
  delivery: Delivery,
  outcome: Result<WorkerOutcome>,
): Promise<Result<unknown>> {
  if (!outcome.ok && (jobs.stopping || isHostFault(outcome.error))) {
    return giveBackWork(parts, jobs, run, delivery, null, outcome.error);
  }
  const { envelope } = delivery;
  const draft = outcome.ok
    ? judged(effect, outcome.value.report.verify, outcome.value.report.error)
    : judged(effect, [], outcome.error);
  const items = await mint([draft], { sender: 'workers', runId: run.id, cause: envelope.id, inReplyTo: envelope.id });
  return parts.bus.complete(delivery, items);
}

function jobOf(
  parts: EngineParts,
  run: Run,
  effect: Verify,
  owner: string,
  epoch: number,
  mirrorFolder: string,
  signal: AbortSignal,
): WorkerJob {
  return {
    owner: { instance: parts.instance, run: run.id, task: 'verification', attempt: owner, epoch },
    order: {
      kind: 'verify',
      mirror: '/mirror.git',
      base_oid: effect.oid,
      command_timeout: run.settings.command_timeout,
      verify: effect.commands,
    },
    mirrorFolder,
    image: effect.image,
    limits: workerLimits(run.settings),
    bundleFile: null,
    logFile: attemptLog(parts.home, run.id, owner),
    deadlineSeconds: run.settings.command_timeout * effect.commands.length + 120,
    signal,
    onCreated: async () => success(),
    onProgress: () => undefined,
  };
}

/** Green when every command ended with 0; what could not be run at all, or was refused for good, is `unavailable`. */
function judged(effect: Verify, reports: readonly CommandReport[], error: AppError | null): Draft {
  const isGreen =
    error === null &&
    effect.commands.every((command) => reports.some((report) => report.command === command && report.exit_code === 0));
  const outcome = isGreen ? 'green' : error !== null && error.retry === 'never' ? 'unavailable' : 'red';
  return message('verify_result', 'engine', { oid: effect.oid, outcome, reports: [...reports], error });
}
