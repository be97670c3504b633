import {
  commandAgent,
  failure,
  planSchema,
  success,
  taskSchema,
  type AgentDefinition,
  type Plan,
  type Result,
} from '@agentcompany/protocol';
import { z } from 'zod';
import type { Run } from '../../company/records.ts';
import { askForValue } from '../../models/ask-for-value.ts';
import type { CallRecord, Model } from '../../models/model.ts';
import { simpleSchema } from '../../models/simple-schema.ts';
import { personaWords } from '../persona-words.ts';
import { readingTools, type ReadableFiles } from './reading-tools.ts';
import { planningQuestion, planningRules } from './planning-words.ts';

/** What a plan is made from; the files are those at the commit that work starts from. */
export interface PlanOrder extends ReadableFiles {
  readonly instruction: string;
  /** The project's own checks. */
  readonly verify: readonly string[];
  /** Who may carry tasks out besides `command`. */
  readonly agents: readonly Pick<AgentDefinition, 'name' | 'description'>[];
  /** Who plans; absent where a run's record names nobody. */
  readonly manager?: AgentDefinition | undefined;
}

/** The Manager and those it may give work to, of the agents of a run. */
export function planningAgents(agents: readonly AgentDefinition[]): Pick<PlanOrder, 'agents' | 'manager'> {
  return {
    agents: agents.filter(({ role }) => role === 'worker'),
    manager: agents.find(({ role }) => role === 'manager'),
  };
}

/** A plan, and what its making took; `calls` holds every request that was answered, repairs and failed tries included. */
export interface MadePlan {
  readonly plan: Plan;
  readonly calls: readonly CallRecord[];
}

interface PlanningCalls {
  readonly signal: AbortSignal;
  readonly onCall: (call: CallRecord) => void;
}

/** Makes plans; `onCall` is told of each request also where no plan comes out. */
export type PlanMaker = (
  order: PlanOrder,
  options: PlanningCalls & {
    /** Whose plan it is: the one that pays for it; null where none is meant to start. */
    readonly run: Run | null;
  },
) => Promise<Result<MadePlan>>;

/** Where nobody is named who plans: a whole plan is longer than an ordinary answer, and takes longer. */
const ordinary = { max_tokens: 16_000, timeout: 300, temperature: null };
const repairs = 2;
/** More than a person can look through before approving is no plan. */
const maximumTasks = 100;

/** A plan file's form, but a task has to say what it is for: the one who reviews it knows nothing else. */
const modelPlanSchema = planSchema.extend({
  tasks: z
    .array(taskSchema.extend({ instructions: z.string().trim().min(1, 'must say what is wanted').max(65_536) }))
    .max(maximumTasks),
});
const form = { name: 'plan', schema: simpleSchema(z.toJSONSchema(modelPlanSchema, { io: 'input' })) };

/**
 * Asks a model for the plan of an instruction. The answer may be the plan, its list of tasks alone, or either in a code fence
 * (row C11); what is wrong with it is given back to the model twice, then it is refused, never taken in part.
 * Errors: `AC_MODEL_ANSWER_INVALID` naming the field, the cycle, the unknown dependency; those of the call.
 */
export async function planWithModel(
  model: Model,
  order: PlanOrder,
  options: PlanningCalls & { readonly checkPlan: (value: unknown) => Result<Plan> },
): Promise<Result<MadePlan>> {
  const calls: CallRecord[] = [];
  const onCall = (call: CallRecord): void => {
    calls.push(call);
    options.onCall(call);
  };
  const { max_tokens: maxOutputTokens, timeout, temperature } = order.manager ?? ordinary;
  const plan = await askForValue(
    model,
    {
      system: [...personaWords(order.manager ?? null), planningRules(order.agents.length > 0)].join('\n\n'),
      question: planningQuestion(order),
      form,
      tools: readingTools(order),
      maxOutputTokens,
      temperature,
      repairs,
      accept: (value) => acceptPlan(value, order, options.checkPlan),
    },
    { signal: options.signal, timeoutMs: timeout * 1000, onCall },
  );
  return plan.ok ? success({ plan: plan.value, calls }) : plan;
}

function acceptPlan(
  value: unknown,
  { instruction, agents }: PlanOrder,
  checkPlan: (value: unknown) => Result<Plan>,
): Result<Plan, string> {
  const given = Array.isArray(value) ? { title: titleOf(instruction), tasks: value } : value;
  const checked = checkPlan(given);
  if (!checked.ok) return failure(checked.error.message);
  const known = [commandAgent, ...agents.map(({ name }) => name)];
  const stranger = checked.value.tasks.findIndex(({ agent }) => !known.includes(agent));
  if (stranger >= 0) return failure(`tasks.${stranger}.agent: one of ${known.join(', ')} is expected`);
  const strict = modelPlanSchema.safeParse(given);
  if (strict.success) return checked;
  const issue = strict.error.issues[0];
  return failure(`${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`);
}

/** The first line of the instruction, as a list of tasks brings no title of its own. */
function titleOf(instruction: string): string {
  return [...(instruction.trim().split('\n')[0] ?? '').trim()].slice(0, 100).join('');
}
