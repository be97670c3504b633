import { planSchema, slug, taskRun, taskSchema } from '@agentcompany/protocol';
import { z } from 'zod';

/** A script beside the plan file; it is read and put into the plan when the file is loaded. */
export const scriptFileRun = z.strictObject({
  script_file: z.string().min(1).max(1024),
  /** From the name where absent: .js, .mjs, .cjs, .ts -> node; .sh -> sh. */
  interpreter: z.enum(['node', 'sh']).optional(),
});
export type ScriptFileRun = z.infer<typeof scriptFileRun>;

/** The form of a plan file: a plan whose tasks may name a script instead of holding it. */
export const planFileSchema = planSchema.extend({
  tasks: z
    .array(taskSchema.extend({ agent: slug.optional(), run: z.union([...taskRun.options, scriptFileRun]).optional() }))
    .max(20_000),
});

/** The JSON schema editors check plan files against (docs/plan.schema.json). */
export function planJsonSchema(): Readonly<Record<string, unknown>> {
  const schema = z.toJSONSchema(planFileSchema, { io: 'input', target: 'draft-2020-12' });
  return { title: 'AgentCompany plan file', ...schema };
}
