import { failure, success, type Result } from '@agentcompany/protocol';
import { modelErrors as errors } from './errors.ts';
import { providerNames, type ProviderName } from './model.ts';

/** Names a person may say instead of a provider's own, and what each stands for. */
export const modelFamilies: Readonly<Record<string, ModelName>> = {
  claude: { provider: 'anthropic', model: 'claude-sonnet-5' },
  gemini: { provider: 'gemini', model: 'gemini-3.1-pro-preview' },
  o3: { provider: 'openai', model: 'o3' },
  gpt: { provider: 'openai', model: 'gpt-5.5' },
  llama: { provider: 'ollama', model: 'llama3.3' },
};

export interface ModelName {
  readonly provider: ProviderName;
  readonly model: string;
}

/** What names look like at providers that serve only their own models. */
const ownNames: Partial<Readonly<Record<ProviderName, RegExp>>> = {
  anthropic: /^claude-/,
  gemini: /^(?:gemini|gemma|learnlm)-/,
  openai: /^(?:gpt-|chatgpt-|codex-|o\d|ft:)/,
};

/**
 * The model that `name` means (row W6): a family; `PROVIDER:NAME`, taken as it is; else a name of `adapter`. `compatible` says
 * that the adapter's address was changed, so that any model may be there. Error: `AC_MODEL_NAME_UNKNOWN` listing what is known.
 */
export function resolveModel(name: string, adapter: ProviderName, compatible: boolean): Result<ModelName> {
  const family = name.toLowerCase();
  if (Object.hasOwn(modelFamilies, family)) return success(modelFamilies[family] as ModelName);
  const [prefix = '', ...rest] = name.split(':');
  const named = providerNames.find((provider) => provider === prefix);
  if (named !== undefined && rest.join(':') !== '') return success({ provider: named, model: rest.join(':') });
  const form = compatible ? undefined : ownNames[adapter];
  if (form === undefined || form.test(name)) return success({ provider: adapter, model: name });
  const known = Object.keys(modelFamilies).join(', ');
  return failure(errors.AC_MODEL_NAME_UNKNOWN({ provider: adapter, model: name, known }));
}
