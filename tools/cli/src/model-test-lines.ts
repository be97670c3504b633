import type { ModelTest } from '@agentcompany/orchestrator/models';
import { cleanLine } from './terminal/clean-text.ts';

/** Characters of an answer that are shown. */
const shown = 200;

/** What one call of a model came to, for people. */
export function modelTestLines({ provider, model, text, usage, cost_usd, ...times }: ModelTest): readonly string[] {
  const read = usage.input + usage.cache_read + usage.cache_write;
  return [
    `model    ${provider}:${model}`,
    `answer   ${cleanLine(text).slice(0, shown)}`,
    `latency  ${times.first_token_ms ?? '-'} ms to the first text, ${times.total_ms} ms in all`,
    `tokens   ${read} in, ${usage.output} out`,
    `cost     ${cost_usd === null ? 'unpriced' : `$${cost_usd.toFixed(6)}`}`,
  ];
}
