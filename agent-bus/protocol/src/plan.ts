import { z } from 'zod';

/** A task's or run's short name: it becomes part of refs, file names and queue names. */
export const slug = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'lower-case letters, digits and hyphens, at most 63 characters');

/** What the `command` agent carries out inside the worker: a shell command, or a script given whole. */
export const taskRun = z.union([
  z.strictObject({ command: z.string().min(1).max(16_384) }),
  z.strictObject({ script: z.string().min(1).max(1_048_576), interpreter: z.enum(['node', 'sh']) }),
]);
export type TaskRun = z.infer<typeof taskRun>;

const shellCommand = z.string().min(1).max(4096);
/** Characters of a glob that a task declares. */
export const maximumGlobLength = 512;
/** A path or glob inside the repository, `/` between its parts: no absolute path, no `..`. */
const repositoryGlob = z
  .string()
  .min(1)
  .max(maximumGlobLength)
  .refine((path) => !path.startsWith('/') && !path.split('/').includes('..'), 'must stay inside the repository');

/** The agent that needs no model: it runs what the task says. */
export const commandAgent = 'command';

/** One task of a plan (DESIGN §5). Empty `paths` means any path. */
export const taskSchema = z.strictObject({
  id: slug,
  title: z.string().min(1).max(200),
  instructions: z.string().max(65_536).default(''),
  paths: z.array(repositoryGlob).max(200).default([]),
  depends_on: z.array(slug).max(500).default([]),
  acceptance: z.array(z.string().min(1).max(1000)).max(50).default([]),
  verify: z.array(shellCommand).max(20).default([]),
  /** Who carries it out: `command` runs `run`, any other name is an agent's definition. */
  agent: slug.default(commandAgent),
  /** For the `command` agent and no other. */
  run: taskRun.optional(),
  /** Model of this task's agent, by name; its definition's where absent. */
  model: z.string().min(1).max(200).optional(),
  /** US dollars its attempts may spend on models together. */
  budget_usd: z.number().positive().max(1_000_000).optional(),
  allow_empty: z.boolean().default(false),
  allow_executable: z.boolean().default(false),
  /** Seconds the agent's command may take; the company's `command_timeout` where absent. */
  timeout: z.int().positive().max(86_400).optional(),
});
export type Task = z.infer<typeof taskSchema>;

/** A plan file, or what the Manager made: at least one task, unique ids, known dependencies, no cycle (checked by `checkPlan`). */
export const planSchema = z.strictObject({
  version: z.literal(1).default(1),
  title: z.string().min(1).max(200),
  summary: z.string().max(10_000).default(''),
  /** Run on the joined result, in a fresh container, before anything is published. */
  verify: z.array(shellCommand).max(20).default([]),
  tasks: z.array(taskSchema).max(20_000),
});
export type Plan = z.infer<typeof planSchema>;
