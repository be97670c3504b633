import { converseByProtocol } from './agent-client-protocol.ts';
import type { AgentLaunch, AgentPlace } from './agent-launch.ts';

/** Gemini CLI over the Agent Client Protocol. */
export function launchGeminiCli(place: AgentPlace): AgentLaunch {
  const { model, definition } = place.order;
  const settings = {
    security: { auth: { selectedType: 'gemini-api-key' } },
    privacy: { usageStatisticsEnabled: false },
    telemetry: { enabled: false },
    general: { enableAutoUpdate: false, enableAutoUpdateNotification: false },
    model: { name: model },
    ...(definition.tools === null ? {} : { tools: { core: definition.tools } }),
  };
  return {
    args: ['--acp', '--model', model],
    environment: {
      GEMINI_API_KEY: 'none',
      GOOGLE_GEMINI_BASE_URL: `${place.address}/gemini`,
      GEMINI_CLI_TRUST_WORKSPACE: 'true',
      GEMINI_CLI_NO_RELAUNCH: 'true',
    },
    files: { '.gemini/settings.json': JSON.stringify(settings) },
    converse: (agent, watch) => converseByProtocol(agent, place, watch, 'yolo'),
  };
}
