import { toolServerName, type AgentLaunch, type AgentPlace } from './agent-launch.ts';
import { field, followLines, textField, type LineMeaning } from './follow-lines.ts';

/** What its items are called to a person; others are not worth a line. */
const toolItems: Readonly<Record<string, string>> = {
  command_execution: 'shell',
  file_change: 'edit',
  mcp_tool_call: 'tool',
  web_search: 'search',
};

/** Its JSON events: items that begin and end, turns that complete or fail. */
function meaningOf(event: unknown): LineMeaning {
  const type = textField(event, 'type');
  if (type === 'turn.completed') return { problem: null };
  if (type === 'turn.failed') return { problem: textField(field(event, 'error'), 'message') ?? 'the turn failed' };
  if (type === 'error') return { problem: textField(event, 'message') ?? 'unknown' };
  const item = field(event, 'item');
  const kind = textField(item, 'type') ?? '';
  if (type === 'item.completed' && kind === 'agent_message') return { text: textField(item, 'text') ?? '' };
  const tool = toolItems[kind];
  return type === 'item.started' && tool !== undefined ? { tools: [textField(item, 'tool') ?? tool] } : {};
}

/** A TOML basic string: JSON's escapes are TOML's. */
const quoted = (text: string): string => JSON.stringify(text);

function configuration({ address, toolServer }: AgentPlace): string {
  const provider = [
    'model_provider = "door"',
    'check_for_update_on_startup = false',
    'approval_policy = "never"',
    'sandbox_mode = "danger-full-access"',
    '[analytics]',
    'enabled = false',
    '[model_providers.door]',
    'name = "door"',
    `base_url = ${quoted(`${address}/openai/v1`)}`,
    'wire_api = "responses"',
    'env_key = "DOOR_KEY"',
  ];
  if (toolServer === null) return `${provider.join('\n')}\n`;
  const server = [`[mcp_servers.${toolServerName}]`, `url = ${quoted(toolServer)}`];
  return `${[...provider, ...server].join('\n')}\n`;
}

/**
 * Codex, headless. Its own sandbox is off: inside the container it has no kernel support, runs nothing, and says it is done all the
 * same. The prompt comes on standard input.
 */
export function launchCodex(place: AgentPlace): AgentLaunch {
  return {
    args: [
      'exec',
      '--json',
      '--ephemeral',
      '--skip-git-repo-check',
      '--dangerously-bypass-approvals-and-sandbox',
      `--model=${place.order.model}`,
      '-',
    ],
    environment: { DOOR_KEY: 'none', CODEX_HOME: `${place.home}/.codex` },
    files: { '.codex/config.toml': configuration(place) },
    converse: (agent, watch) => followLines(agent, place.prompt, watch, meaningOf),
  };
}
