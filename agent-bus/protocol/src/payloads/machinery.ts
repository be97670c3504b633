import { z } from 'zod';
import { appErrorSchema } from '../app-error.ts';
import { ingestedCommit } from './judgement.ts';
import { modelAccount } from './model-call.ts';
import { pullRequestRef } from './run.ts';

/** What is to happen outside; `key` finds it again at its destination (DESIGN §1.4). */
export const effect = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('container'), key: z.string(), attempt_id: z.string() }),
  z.object({
    kind: z.literal('ingest'),
    key: z.string(),
    attempt_id: z.string(),
    base_oid: z.string(),
    commit: z.string(),
    sha256: z.string(),
    title: z.string(),
  }),
  z.object({
    kind: z.literal('verify'),
    key: z.string(),
    oid: z.string(),
    commands: z.array(z.string()),
    image: z.string().nullable(),
  }),
  /** Merges the base branch into the run branch where it moved on. */
  z.object({ kind: z.literal('integrate'), key: z.string(), branch: z.string() }),
  z.object({ kind: z.literal('push'), key: z.string(), oid: z.string(), branch: z.string() }),
  z.object({
    kind: z.literal('pull_request'),
    key: z.string(),
    branch: z.string(),
    base: z.string(),
    title: z.string(),
    body: z.string(),
    draft: z.boolean(),
  }),
]);
export type Effect = z.infer<typeof effect>;

export const effectOutcome = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('container'), container_id: z.string() }),
  z.object({ kind: z.literal('ingest'), ingested: ingestedCommit }),
  z.object({
    kind: z.literal('integrate'),
    outcome: z.enum(['merged', 'conflict']),
    base_oid: z.string(),
    tip_before: z.string(),
    tip_after: z.string(),
    conflicts: z.array(z.string()),
  }),
  z.object({ kind: z.literal('push'), oid: z.string(), branch: z.string() }),
  z.object({ kind: z.literal('pull_request'), pull_request: pullRequestRef }),
]);
export type EffectOutcome = z.infer<typeof effectOutcome>;

export const machineryPayloads = {
  effect_request: z.looseObject({ effect }),
  /** Exactly one of `outcome` and `error` is not null. */
  effect_result: z.looseObject({
    key: z.string(),
    kind: z.string(),
    outcome: effectOutcome.nullable(),
    error: appErrorSchema.nullable(),
  }),
  /** `due_at`: the time it is for, where what follows depends on that. */
  timer_due: z.looseObject({ timer: z.string(), subject: z.string(), due_at: z.iso.datetime().optional() }),
  /**
   * A slice of the run's budget that an attempt may spend (DESIGN §5); null: no limit of that kind. Several of one attempt add up. With `work`
   * it is the most that one request of the company's own agents may come to, and `attempt_id` an id of that request.
   */
  budget_grant: z.looseObject({
    attempt_id: z.string(),
    work: z.string().optional(),
    usd: z.number().nonnegative().nullable(),
    tokens: z.number().nonnegative().nullable(),
  }),
  /** What an attempt, or a request of the company's own agents, took of its slices; the rest is free again. */
  budget_settle: z.looseObject({ attempt_id: z.string(), account: modelAccount }),
  dead_letter: z.looseObject({
    queue: z.string(),
    envelope_id: z.string(),
    envelope_type: z.string(),
    deliveries: z.int(),
    error: appErrorSchema,
  }),
  /** To the host that carries the attempt out, as the ledger shows it; `number` counts the requests of one attempt. */
  status_request: z.looseObject({ attempt_id: z.string(), number: z.int().positive() }),
  status_response: z.looseObject({
    attempt_id: z.string(),
    number: z.int().positive(),
    /** What the worker said last that it does. */
    status: z.string(),
    /** Signs of progress so far: whoever gives the same number twice stood still. */
    steps: z.int().nonnegative(),
    /** Answers its model has given it. */
    turn: z.int().nonnegative(),
    tokens: z.number().nonnegative(),
    /** Since the last sign. */
    quiet_seconds: z.number().nonnegative(),
    /** How much longer what it does now may take without a sign. */
    allowed_seconds: z.number().nonnegative().max(86_400),
  }),
  ping: z.looseObject({}),
  pong: z.looseObject({}),
};
