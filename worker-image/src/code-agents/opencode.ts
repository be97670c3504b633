import { converseByProtocol } from './agent-client-protocol.ts';
import type { AgentLaunch, AgentPlace } from './agent-launch.ts';

/** opencode over the Agent Client Protocol. The provider package it names is built into it. */
export function launchOpencode(place: AgentPlace): AgentLaunch {
  const { model, definition } = place.order;
  const provider = {
    npm: '@ai-sdk/openai-compatible',
    name: 'door',
    options: { baseURL: `${place.address}/openai/v1`, apiKey: 'none' },
    models: { [model]: { name: model, limit: { context: 200_000, output: definition.max_tokens } } },
  };
  const configuration = {
    autoupdate: false,
    share: 'disabled',
    snapshot: false,
    model: `door/${model}`,
    small_model: `door/${model}`,
    permission: 'allow',
    provider: { door: provider },
  };
  return {
    args: ['acp'],
    environment: {
      OPENCODE_CONFIG_CONTENT: JSON.stringify(configuration),
      OPENCODE_DISABLE_MODELS_FETCH: '1',
      OPENCODE_DISABLE_AUTOUPDATE: '1',
      OPENCODE_DISABLE_LSP_DOWNLOAD: '1',
      OPENCODE_DISABLE_DEFAULT_PLUGINS: '1',
    },
    files: {},
    converse: (agent, watch) => converseByProtocol(agent, place, watch),
  };
}
