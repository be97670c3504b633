import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { CompanyHome } from '@agentcompany/orchestrator/company-home';
import type { Plan } from '@agentcompany/protocol';
import { mindTasks } from './minds-tasks.ts';
import { scriptedMinds } from './scripted-minds.ts';

/** Name of the scripted model in the ledger of the demo. */
const scriptedModel = 'scripted:demo';
const repliesFile = 'demo-replies.json';

/** The demo's plan with tasks for agents, as an instruction in words: a model has to make the plan of it. */
export interface MindsRequest {
  readonly plan: Plan;
  readonly packageName: string;
  /** A real model's name; null for the scripted one. */
  readonly model: string | null;
}

function inWords({ title, tasks }: Plan): string {
  const wishes = tasks.map((task) => `- ${task.title}. ${task.instructions}`);
  return [`${title}:`, ...wishes].join('\n');
}

/**
 * Gives the company of the demo a model: the named one, or a script that plays Manager, Worker and Reviewer, written beside its
 * configuration. Resolves to the instruction that the Manager plans from.
 */
export async function giveMinds(home: CompanyHome, { plan, packageName, model }: MindsRequest): Promise<string> {
  const minds = mindTasks(packageName);
  const whole = { ...plan, tasks: [...plan.tasks, ...minds.map(({ task }) => task)] };
  const instruction = inWords(whole);
  if (model === null) {
    const replies = { version: 1, replies: scriptedMinds(instruction, whole, minds) };
    await writeFile(path.join(path.dirname(home.configFile), repliesFile), JSON.stringify(replies));
  }
  const config = model === null ? { model: scriptedModel, models: { scripted: { file: repliesFile } } } : { model };
  await writeFile(home.configFile, `${JSON.stringify({ version: 1, ...config }, null, 2)}\n`);
  return instruction;
}
