import type { CostView, RunView } from '@agentcompany/orchestrator';
import { counted } from './clean-text.ts';

/** `$0.1234`, `≤ $0.1234`, `$0.1234 + 2 unpriced`, `2 unpriced`. */
function costText({ usd, calls, unpriced_calls: unpriced, estimated }: CostView): string {
  const dollars = `${estimated ? '≤ ' : ''}$${usd.toFixed(4)}`;
  if (unpriced === 0) return dollars;
  return unpriced === calls ? `${unpriced} unpriced` : `${dollars} + ${unpriced} unpriced`;
}

/** The same in a column: `$0.1234`, with a `+` where calls without a price come on top. */
export function shortCost({ usd, calls, unpriced_calls: unpriced }: CostView): string {
  if (calls === 0) return '-';
  if (unpriced === calls) return 'unpriced';
  return `$${usd.toFixed(4)}${unpriced === 0 ? '' : ' +'}`;
}

/** The cost of a run with what it may spend, for one line; null where it called no model and has no budget. */
export function costLine({ budget, cost }: Pick<RunView, 'budget' | 'cost'>): string | null {
  const limits = [
    ...(budget.usd === null ? [] : [`$${budget.usd}`]),
    ...(budget.tokens === null ? [] : [counted(budget.tokens, 'token')]),
  ];
  if (cost.calls === 0 && limits.length === 0) return null;
  const taken = cost.calls === 0 ? '$0.0000' : costText(cost);
  const what = `${taken} for ${counted(cost.calls, 'call')}, ${counted(cost.tokens, 'token')}`;
  return limits.length === 0 ? what : `${what} of ${limits.join(' and ')}`;
}
