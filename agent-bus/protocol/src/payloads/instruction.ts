import { z } from 'zod';
import { agentDefinition } from '../agent-definition.ts';
import { egressSettings } from '../egress.ts';
import { modelCall } from './model-call.ts';
import { planSchema, slug } from '../plan.ts';
import { planRevision } from './plan-revision.ts';

/** What the run was promised at its start: configuration is read once and kept on record, so that the fold needs nothing else. */
export const runSettings = z.object({
  max_attempts: z.int().positive(),
  max_review_rounds: z.int().nonnegative(),
  on_failure: z.enum(['stop', 'partial']),
  /** Who answers: `auto` lets the company go on, `person` waits for `agentcompany approve`. */
  approvals: z.object({ plan: z.enum(['auto', 'person']), protected_paths: z.enum(['person', 'refuse']) }),
  default_branch: z.string(),
  integration_branch: z.string(),
  image: z.string().nullable(),
  /** Where `image` is null: containers are made from what the repository's devcontainer.json describes at the run's base. */
  devcontainer: z.boolean().default(false),
  /** Seconds per command a worker runs, where its task says nothing else. */
  command_timeout: z.int().positive(),
  worker_memory_bytes: z.int().positive(),
  worker_cpus: z.number().positive(),
  /** The project's own checks, run for every task besides the task's. */
  verify: z.array(z.string()),
  /** Definitions of the agents that tasks may name, as they were at the start. */
  agents: z.array(agentDefinition).default([]),
  /** Who judges results besides the rules: a model never, always, or where an agent with a model did the work. */
  review: z.enum(['rules', 'model', 'auto']).default('rules'),
  /** US dollars and tokens that all models of the run may take together; null: no limit. */
  budget_usd: z.number().nonnegative().nullable().default(null),
  budget_tokens: z.int().nonnegative().nullable().default(null),
  /** Model of a task's agent from its second failure on (C28); null: its own. */
  fallback_model: z.string().nullable().default(null),
  /** What workers may reach; null: nothing. */
  egress: egressSettings.nullable().default(null),
  /** How often the Manager's model may be asked what to do about one failing task, before a person is; 0: never. */
  max_triages: z.int().nonnegative().default(0),
  /** Seconds without a sign of progress after which a worker is asked how it stands; 0: never. */
  quiet_seconds: z.int().nonnegative().max(86_400).default(0),
});
export type RunSettings = z.infer<typeof runSettings>;

/** Characters of a question to a person, and of what a person answers. */
export const maximumQuestionLength = 4000;
export const maximumAnswerLength = 16_384;

/** Characters of what a person tells whoever works on a task, and how much of that one task takes. */
export const maximumNoteLength = 4000;
export const maximumNotes = 50;

export const instructionPayloads = {
  task_submit: z.looseObject({
    project_id: slug,
    instruction: z.string().min(1).max(65_536),
    plan: planSchema.nullable(),
    settings: runSettings,
  }),
  plan_request: z.looseObject({ project_id: slug, instruction: z.string(), plan: planSchema.nullable() }),
  /** `hash`: sha256 of the RFC 8785 form of the plan; what an approval names. `planning`: what a model's making of it took. */
  task_plan: z.looseObject({
    revision: z.literal(1),
    base_oid: z.string(),
    plan: planSchema,
    hash: z.string(),
    planning: z.object({ calls: z.array(modelCall) }).optional(),
  }),
  plan_revision: planRevision,
  approval_request: z.looseObject({
    approval_id: z.string(),
    subject: z.enum(['plan', 'protected_paths', 'review']),
    task_id: slug.nullable(),
    hash: z.string(),
    expires_at: z.iso.datetime(),
    summary: z.string(),
    details: z.array(z.string()),
  }),
  approval_response: z.looseObject({
    approval_id: z.string(),
    hash: z.string(),
    decision: z.enum(['approve', 'reject']),
    comment: z.string(),
    by: z.string(),
  }),
  /** An agent asks a person; `question_id` is the same whenever the same task asks the same. */
  question: z.looseObject({
    question_id: z.string(),
    attempt_id: z.string(),
    question: z.string().min(1).max(maximumQuestionLength),
    /** Answers it suggests; a person may say anything. */
    options: z.array(z.string().min(1).max(200)).max(10),
  }),
  /** Null: nobody answered in time, and the agent went on. */
  answer: z.looseObject({
    question_id: z.string(),
    answer: z.string().min(1).max(maximumAnswerLength).nullable(),
    by: z.string(),
  }),
  /** A person tells whoever works on the task something more; the envelope's id is the note's. */
  task_note: z.looseObject({ note: z.string().min(1).max(maximumNoteLength), by: z.string() }),
};
