import { z } from 'zod';
import { agentDefinition } from '../agent-definition.ts';
import { planSchema, slug, taskSchema } from '../plan.ts';
import { feedback } from './work.ts';

/**
 * A change of a run's plan, taken whole or not at all. Not-started tasks may change; a started one is superseded by a new one, never
 * edited (DESIGN §5).
 */
export const planRevision = z.looseObject({
  revision: z.int().min(2),
  reason: z.string(),
  /** Who asked for it; absent: the company itself, after a conflict or a red verification. */
  by: z.enum(['president', 'manager']).optional(),
  add: z.array(taskSchema),
  /** Tasks that have not started, as they are from here on. */
  change: z.array(taskSchema).optional(),
  /** Tasks that are not wanted any more. */
  remove: z.array(slug).optional(),
  supersede: z.array(z.object({ task_id: slug, by: slug })),
  /** What the added tasks' first attempts are told. */
  feedback: feedback.nullable(),
  /** What the plan says of the whole, where that changes. */
  plan: planSchema.pick({ title: true, summary: true, verify: true }).optional(),
  /** Definitions of agents that the run did not know. */
  agents: z.array(agentDefinition).optional(),
  /** sha256 of the RFC 8785 form of the plan as it is from here on; what an approval of it names. */
  hash: z.string().optional(),
});
export type PlanRevision = z.infer<typeof planRevision>;
