import { z } from 'zod';
import { slug } from './plan.ts';

/** What carries an agent's work out: our own loop inside the worker, or a code agent that is installed in the worker's image. */
export const agentRuntimes = ['builtin', 'claude-code', 'codex', 'opencode', 'gemini-cli'] as const;

/** Who may be defined: workers carry tasks out, the others work on the host. */
export const agentRoles = ['manager', 'worker', 'reviewer'] as const;

/** An agent as data (`agents/*.yaml`). What is absent has the values of row W7. */
export const agentDefinition = z.strictObject({
  name: slug,
  role: z.enum(agentRoles),
  description: z.string().max(500).default(''),
  /** Of a worker; the other roles have none. */
  runtime: z.enum(agentRuntimes).default('builtin'),
  /** Model name as in the configuration; null: the company's. */
  model: z.string().min(1).max(200).nullable().default(null),
  /** Tools it may use, by name; null: all that its runtime has. */
  tools: z.array(z.string().min(1).max(128)).max(100).nullable().default(null),
  personality: z.string().max(4000).default(''),
  /** Instructions of its own, before those of the task. */
  prompt: z.string().max(32_768).default(''),
  /** Null: the provider's own. */
  temperature: z.number().min(0).max(2).nullable().default(0.7),
  /** Tokens of one answer. */
  max_tokens: z.int().min(1).max(131_072).default(4000),
  /** Seconds one call of its model may take. */
  timeout: z.int().min(1).max(3600).default(30),
  /** Answers of its model in one attempt (C27). */
  max_turns: z.int().min(1).max(1000).default(30),
});
export type AgentDefinition = z.infer<typeof agentDefinition>;
