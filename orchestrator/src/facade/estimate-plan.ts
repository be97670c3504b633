import type { AgentDefinition, Plan } from '@agentcompany/protocol';
import type { Usage } from '../models/model.ts';
import { nameModel, openCost, type ModelsOptions } from '../open-models.ts';

export interface TaskEstimate {
  readonly task_id: string;
  readonly agent: string;
  /** As the task, its agent or the company names it; null: none of them does. */
  readonly model: string | null;
  /** US dollars; null: unpriced. */
  readonly typical_usd: number | null;
  readonly upper_usd: number | null;
}

/** What a plan's agents may cost before anybody has begun. */
export interface PlanEstimate {
  readonly tasks: readonly TaskEstimate[];
  /** US dollars of the tasks that have a price. */
  readonly typical_usd: number;
  readonly upper_usd: number;
  readonly unpriced_tasks: number;
}

/** How one attempt goes; every turn reads again all that was said before it, and nothing is cached. */
interface Course {
  readonly turns: number;
  /** Tokens of what is said first: the agent's instructions, the task, the tools. */
  readonly beginning: number;
  /** Tokens of each answer, and of what its tools bring. */
  readonly answer: number;
  readonly brought: number;
}

/** A third of the turns there may be, with short answers: a guess at an ordinary task. */
function typicalCourse({ max_turns: turns, max_tokens: tokens }: AgentDefinition): Course {
  return { turns: Math.ceil(turns / 3), beginning: 3000, answer: Math.min(tokens, 600), brought: 1500 };
}

/** All turns, answers as long as they may be, and tools that bring as much again. One attempt may not come to more by far. */
function upperCourse({ max_turns: turns, max_tokens: tokens }: AgentDefinition): Course {
  return { turns, beginning: 3000, answer: tokens, brought: tokens };
}

/**
 * What each task of a plan that an agent does may cost: one attempt, by its definition's `max_turns` and `max_tokens` and its model's
 * price. Rounds that are repeated, planning and reviews come on top. A guess that limits nothing: a budget does.
 */
export async function estimatePlan(
  options: Pick<ModelsOptions, 'config'>,
  plan: Plan,
  agents: readonly AgentDefinition[],
): Promise<PlanEstimate> {
  const tasks: TaskEstimate[] = [];
  for (const { id, agent, model } of plan.tasks) {
    const definition = agents.find(({ name }) => name === agent);
    if (definition !== undefined)
      tasks.push({
        task_id: id,
        agent,
        ...(await priceOf(options, model ?? definition.model ?? options.config.model, definition)),
      });
  }
  const sum = (part: 'typical_usd' | 'upper_usd'): number =>
    tasks.reduce((total, task) => total + (task[part] ?? 0), 0);
  return {
    tasks,
    typical_usd: sum('typical_usd'),
    upper_usd: sum('upper_usd'),
    unpriced_tasks: tasks.filter(({ upper_usd: upper }) => upper === null).length,
  };
}

async function priceOf(
  options: Pick<ModelsOptions, 'config'>,
  model: string | null,
  definition: AgentDefinition,
): Promise<Pick<TaskEstimate, 'model' | 'typical_usd' | 'upper_usd'>> {
  const name = nameModel(options, model);
  if (!name.ok) return { model, typical_usd: null, upper_usd: null };
  const costOf = await openCost(options.config, name.value);
  return {
    model,
    typical_usd: costOfCourse(typicalCourse(definition), costOf),
    upper_usd: costOfCourse(upperCourse(definition), costOf),
  };
}

/** Turn by turn: long requests may have another price. */
function costOfCourse(
  { turns, beginning, answer, brought }: Course,
  costOf: (usage: Usage) => number | null,
): number | null {
  let total = 0;
  for (let turn = 0; turn < turns; turn += 1) {
    const input = beginning + turn * (answer + brought);
    const cost = costOf({ input, output: answer, cache_read: 0, cache_write: 0 });
    if (cost === null) return null;
    total += cost;
  }
  return total;
}
