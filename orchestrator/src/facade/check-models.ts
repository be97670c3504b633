import { success, type Result } from '@agentcompany/protocol';
import { openModel, type ModelsOptions } from '../open-models.ts';

const timeoutMs = 15_000;

/**
 * Asks the providers of the configured model and of its fallback whether they have them and take the key; no tokens are spent.
 * Without a model there is nothing to ask: plans come from files then. Errors: those of `openModel` and of a call.
 */
export async function checkModels(options: ModelsOptions): Promise<Result<string>> {
  const { config } = options;
  const names = [config.model, config.fallback_model].filter((name) => name !== null);
  if (config.model === null) return success('skipped: no model is configured; plans come from files');
  const found: string[] = [];
  for (const name of names) {
    const model = await openModel(options, name);
    if (!model.ok) return model;
    const checked = await model.value.check({ signal: new AbortController().signal, timeoutMs });
    if (!checked.ok) return checked;
    found.push(`${model.value.provider}:${model.value.name}`);
  }
  return success(found.join(', then '));
}
