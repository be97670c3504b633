import { z } from 'zod';
import { appErrorSchema } from '../app-error.ts';
import { agentDefinition } from '../agent-definition.ts';
import { egressFact } from '../egress.ts';
import { taskSchema } from '../plan.ts';

/** What an earlier round found: given to the next attempt's agent as data. */
export const feedback = z.object({
  /** `quality_failed`: the checks were red; `failed`: there was nothing to check. */
  reason: z.enum(['failed', 'quality_failed', 'changes_requested', 'conflict', 'verification', 'person', 'triage']),
  message: z.string(),
  findings: z.array(z.object({ rule: z.string(), path: z.string().nullable(), message: z.string() })),
});
export type Feedback = z.infer<typeof feedback>;

/** One command run inside a container: `exit_code` null when a signal or the time limit ended it; `output` is the tail, at most 8 KiB. */
export const commandReport = z.object({
  command: z.string(),
  exit_code: z.int().nullable(),
  duration_ms: z.number().nonnegative(),
  output: z.string(),
});
export type CommandReport = z.infer<typeof commandReport>;

/** The object ids are what the worker claims; ingest checks them (DESIGN §7). */
export const workResult = z.object({
  commit: z.string(),
  tree: z.string(),
  bundle: z.object({ sha256: z.string(), bytes: z.int().nonnegative() }),
  agent: commandReport,
  verify: z.array(commandReport),
});
export type WorkResult = z.infer<typeof workResult>;

export const workPayloads = {
  task_assign: z.looseObject({
    project_id: z.string(),
    task: taskSchema,
    verify: z.array(z.string()),
    /** 1 for the first try of this task; counts every assignment. */
    round: z.int().positive(),
    feedback: feedback.nullable(),
    image: z.string().nullable(),
    /** Who does it, as the run's settings define it; absent for `command`. */
    agent: agentDefinition.optional(),
    /** Begins anew: without the conversation of earlier attempts (C28). */
    fresh: z.boolean().optional(),
    /** The model of this round, by name, in place of the task's and the agent's (C28). */
    model: z.string().optional(),
  }),
  attempt_started: z.looseObject({
    attempt_id: z.string(),
    round: z.int().positive(),
    epoch: z.int().nonnegative(),
    host_id: z.string(),
    slot: z.string(),
    base_oid: z.string(),
    /** What its container is made from, where project or repository name an image; the run keeps to it on this host (S14). */
    image: z.object({ reference: z.string(), id: z.string(), instance: z.string() }).optional(),
  }),
  attempt_lost: z.looseObject({ attempt_id: z.string(), epoch: z.int().nonnegative(), error: appErrorSchema }),
  task_progress: z.looseObject({ attempt_id: z.string(), message: z.string() }),
  /** The way out of a worker (docs/egress.md). */
  egress_request: egressFact.loose().extend({ attempt_id: z.string() }),
  task_complete: z.looseObject({ attempt_id: z.string(), epoch: z.int().nonnegative(), result: workResult }),
  task_failed: z.looseObject({
    attempt_id: z.string(),
    epoch: z.int().nonnegative(),
    error: appErrorSchema,
    agent: commandReport.nullable(),
    verify: z.array(commandReport),
  }),
  task_retry: z.looseObject({ feedback }),
  task_state: z.looseObject({ to: z.string(), reason: z.string(), error: appErrorSchema.nullable() }),
};
