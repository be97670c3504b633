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
import { imageSubject } from './host-health.ts';
import type { HostParts } from './host-parts.ts';
import type { HeldLease } from './keeping-lease.ts';
import type { LiveJobs } from './live-jobs.ts';
import { awaitImage, imageOfRun } from './image-of-run.ts';
import { mint } from './mint.ts';
import { persistently } from './persistently.ts';
import { runAndConclude } from './run-and-conclude.ts';
import { egressOrder } from './task-job.ts';
import { attemptLog } from './run-files.ts';
import { workerLimits } from './worker-limits.ts';
import { noServices } from '../door/attempt-services.ts';

type Verify = Extract<Effect, { kind: 'verify' }>;

/** Checks one commit in a fresh container (DESIGN §5) and puts the outcome on record with the acknowledgement. */
export async function carryOutVerification(
  parts: HostParts,
  jobs: LiveJobs,
  run: Run,
  delivery: Delivery,
  lease: HeldLease,
): Promise<Result<unknown>> {
  const { envelope } = delivery;
  const request = parsePayload('effect_request', envelope.payload);
  if (!request.ok) return parts.bus.reject(delivery, request.error, []);
  const { effect } = request.value;
  if (effect.kind !== 'verify') return parts.bus.complete(delivery, []);
  const patience = AbortSignal.any([lease.lost, jobs.stop]);
  const origin = { runId: run.id, projectId: run.projectId };
  const mirror = await parts.repositories.mirrorWith(origin, effect.oid, patience);
  if (lease.lost.aborted) return mirror;
  if (!mirror.ok) return giveBackWork(parts, jobs, run, delivery, [], mirror.error);
  const wanted = { image: effect.image, agent: null, mirrorFolder: mirror.value };
  const image = await imageOfRun(parts, run, wanted);
  if (!image.ok && image.error.code === 'AC_IMAGE_UNAVAILABLE') return awaitImage(parts, run, delivery, image.error);
  const pauseMs = image.ok ? jobs.health.pauseMs(imageSubject(image.value.id)) : 0;
  if (pauseMs > 0) return parts.bus.release(delivery, { notBefore: Date.now() + pauseMs });
  const owner = await derivedId(`attempt ${delivery.epoch} of ${envelope.id}`);
  const live = jobs.open(owner, run.id, null);
  try {
    parts.tell('verification-started', { run: run.id, commit: effect.oid });
    const signal = AbortSignal.any([live.signal, lease.lost]);
    const work = { run, effect, delivery, lease };
    if (!image.ok) return await finish(parts, jobs, work, image);
    const wayOut = await parts.openEgress({ run, taskId: null, attemptId: owner });
    try {
      const services = { ...noServices, egress: wayOut.egress };
      const place = { mirrorFolder: mirror.value, image: image.value.id, services };
      const job = jobOf(parts, run, effect, { owner, epoch: delivery.epoch }, place, signal);
      return await runAndConclude(parts, jobs, job, (outcome) => finish(parts, jobs, work, outcome));
    } finally {
      await wayOut.close();
    }
  } finally {
    live.close();
  }
}

interface Verification {
  readonly run: Run;
  readonly effect: Verify;
  readonly delivery: Delivery;
  readonly lease: HeldLease;
}

async function finish(
  parts: HostParts,
  jobs: LiveJobs,
  { run, effect, delivery, lease }: Verification,
  outcome: Result<WorkerOutcome>,
): Promise<Result<unknown>> {
  // Somebody else has the work, or will have it.
  if (lease.lost.aborted) return success();
  if (!outcome.ok && (jobs.stopping || isHostFault(outcome.error))) {
    return giveBackWork(parts, jobs, run, delivery, [], outcome.error);
  }
  const { envelope } = delivery;
  const draft = outcome.ok
    ? judged(effect, outcome.value.report.verify, outcome.value.report.error)
    : judged(effect, [], outcome.error);
  const items = await mint([draft], { sender: 'workers', runId: run.id, cause: envelope.id, inReplyTo: envelope.id });
  const patience = AbortSignal.any([lease.lost, jobs.stop]);
  const completed = await persistently(patience, () => parts.bus.complete(delivery, items));
  if (completed.ok) lease.settle();
  parts.tell('verification-ended', { run: run.id, commit: effect.oid });
  return completed;
}

function jobOf(
  parts: HostParts,
  run: Run,
  effect: Verify,
  { owner, epoch }: { readonly owner: string; readonly epoch: number },
  { mirrorFolder, image, services }: Pick<WorkerJob, 'mirrorFolder' | 'services'> & { readonly image: string },
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
      ...egressOrder(services),
    },
    mirrorFolder,
    image,
    limits: workerLimits(run.settings),
    bundleFile: null,
    logFile: attemptLog(parts.folders, run.id, owner),
    deadlineSeconds: run.settings.command_timeout * effect.commands.length + 120,
    signal,
    onCreated: async () => success(),
    onProgress: () => undefined,
    services,
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
