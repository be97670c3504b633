import type { PlanEstimate } from '@agentcompany/orchestrator/models';
import type { Plan } from '@agentcompany/protocol';
import type { Context } from './context.ts';
import { counted } from './terminal/clean-text.ts';

/** What the plan's agents may cost here; null where no task has an agent, and where there is no company whose models they would use. */
export async function readEstimate(context: Context, plan: Plan): Promise<PlanEstimate | null> {
  const home = await context.home();
  if (!home.ok) return null;
  const { loadConfig } = await import('@agentcompany/orchestrator/config');
  const loaded = loadConfig({ home: home.value, environment: context.io.environment });
  if (!loaded.ok) return null;
  const { listAgents } = await import('@agentcompany/orchestrator/agents');
  const agents = listAgents({ installation: context.io.checkout, home: home.value.root });
  if (!agents.ok) return null;
  const { estimatePlan } = await import('@agentcompany/orchestrator/models');
  const definitions = agents.value.map(({ definition }) => definition);
  const estimate = await estimatePlan(loaded.value, plan, definitions);
  return estimate.tasks.length === 0 ? null : estimate;
}

/** The estimate in one sentence, which says what it is. */
export function estimateSentence({ tasks, typical_usd, upper_usd, unpriced_tasks: unpriced }: PlanEstimate): string {
  const priced = tasks.length - unpriced;
  const dollars = `$${typical_usd.toFixed(2)} typically, up to $${upper_usd.toFixed(2)} an attempt at each`;
  const known = priced === 0 ? [] : [`${counted(priced, 'task')} by agents: ${dollars}`];
  const unknown = unpriced === 0 ? [] : [`${counted(unpriced, 'task')} unpriced`];
  return `Estimate, no limit: ${[...known, ...unknown].join('; ')}. Limit it with --budget.`;
}
