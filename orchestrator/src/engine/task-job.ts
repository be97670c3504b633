import { success, type AgentOrder, type Result, type WorkOrder } from '@agentcompany/protocol';
import { record, type Draft } from '../company/decide/draft.ts';
import type { Run } from '../company/records.ts';
import type { WorkerJob } from '../containers/worker-runner.ts';
import type { AttemptActivity } from './attempt-activity.ts';
import { agentSeconds } from './agent-seconds.ts';
import { containerKey, resultReference, type Attempt } from './attempt.ts';
import type { AttemptServices } from '../door/attempt-services.ts';
import type { HostParts } from './host-parts.ts';
import { mint } from './mint.ts';
import { attemptBundle, attemptLog } from './run-files.ts';
import { workerLimits } from './worker-limits.ts';

/** What an attempt is offered, and what is seen of it. */
export interface Watched {
  readonly services: AttemptServices;
  readonly activity: AttemptActivity;
}

/** What one attempt asks of a container. */
export async function taskJob(
  parts: HostParts,
  run: Run,
  attempt: Attempt,
  { mirrorFolder, image }: { readonly mirrorFolder: string; readonly image: string },
  { services, activity }: Watched,
  signal: AbortSignal,
): Promise<WorkerJob> {
  const { task, verify, feedback } = attempt.assignment;
  const timeout = task.timeout ?? run.settings.command_timeout;
  const agentTimeout = agentSeconds(attempt.assignment, timeout);
  return {
    owner: { instance: parts.instance, run: run.id, task: task.id, attempt: attempt.id, epoch: attempt.epoch },
    order: {
      kind: 'task',
      attempt_id: attempt.id,
      title: task.title,
      instructions: task.instructions,
      run: task.run ?? null,
      agent: await agentOrder(attempt, services, agentTimeout),
      allow_empty: task.allow_empty,
      feedback,
      result_ref: resultReference(attempt.id),
      mirror: '/mirror.git',
      base_oid: attempt.baseOid,
      command_timeout: timeout,
      verify,
      ...egressOrder(services),
    },
    mirrorFolder,
    image,
    limits: workerLimits(run.settings),
    bundleFile: attemptBundle(parts.folders, attempt.id),
    logFile: attemptLog(parts.folders, run.id, attempt.id),
    // Clone, commit and hand-over come on top of the agent's work and each check.
    deadlineSeconds: agentTimeout + timeout * verify.length + 120,
    signal,
    services,
    onSign: (sign) => activity.sign(sign),
    ...reports(parts, run, attempt),
  };
}

/** What a worker is told of its way out. */
export function egressOrder({ egress }: Pick<AttemptServices, 'egress'>): Pick<WorkOrder, 'egress'> {
  return egress === null ? {} : { egress: { certificate: egress.certificate } };
}

/** The agent as its worker is told of it; null for the `command` agent. */
async function agentOrder(
  { assignment }: Attempt,
  { checkpoint, models }: AttemptServices,
  agentTimeout: number,
): Promise<AgentOrder | null> {
  const { agent, task } = assignment;
  if (agent === undefined) return null;
  const model = models?.modelName ?? assignment.model ?? task.model ?? agent.model ?? 'default';
  const left = await checkpoint?.read();
  // One that cannot be read is none: the work begins anew.
  const resume = left?.ok === true && left.value !== null;
  return {
    definition: agent,
    agent_timeout: agentTimeout,
    model,
    acceptance: task.acceptance,
    paths: task.paths,
    resume,
  };
}

/** The two things an attempt puts on record while it is under way. */
function reports(parts: HostParts, run: Run, attempt: Attempt): Pick<WorkerJob, 'onCreated' | 'onProgress'> {
  const about = { taskId: attempt.assignment.task.id, attemptId: attempt.id };
  const key = containerKey(attempt.id);
  const send = async (draft: Draft, cause: string): Promise<Result<undefined>> => {
    const items = await mint([draft], { sender: 'workers', runId: run.id, cause, inReplyTo: null });
    const sent = await parts.bus.send(items);
    return sent.ok ? success() : sent;
  };
  let progress = 0;
  return {
    onCreated: (containerId) => {
      const outcome = { kind: 'container', container_id: containerId } as const;
      const result = { key, kind: 'container', outcome, error: null };
      return send(record('effect_result', result, about), `container of ${attempt.id}`);
    },
    onProgress: (text) => {
      progress += 1;
      void send(
        record('task_progress', { attempt_id: attempt.id, message: text }, about),
        `progress ${progress} of ${attempt.id}`,
      );
    },
  };
}
