import { toolServerName, type AgentLaunch, type AgentPlace } from './agent-launch.ts';
import { field, followLines, textField, type LineMeaning } from './follow-lines.ts';

/** Its stream-json events: messages of the assistant, and one result at the end. */
function meaningOf(event: unknown): LineMeaning {
  const type = textField(event, 'type');
  if (type === 'result') {
    const text = textField(event, 'result') ?? '';
    return {
      text,
      problem: field(event, 'is_error') === true ? `${textField(event, 'subtype') ?? ''} ${text}`.trim() : null,
    };
  }
  const content = field(field(event, 'message'), 'content');
  if (type !== 'assistant' || !Array.isArray(content)) return {};
  const tools = content.flatMap((part) =>
    textField(part, 'type') === 'tool_use' ? [textField(part, 'name') ?? '?'] : [],
  );
  const texts = content.flatMap((part) => (textField(part, 'type') === 'text' ? [textField(part, 'text') ?? ''] : []));
  return { tools, text: texts.join('\n') };
}

function toolFlags({ order, toolServer }: AgentPlace): readonly string[] {
  const { tools } = order.definition;
  const chosen = tools === null ? [] : ['--tools', tools.join(',')];
  if (toolServer === null) return chosen;
  const mcpServers = { [toolServerName]: { type: 'http', url: toolServer } };
  return [...chosen, '--mcp-config', JSON.stringify({ mcpServers })];
}

/**
 * Claude Code, headless. `--bare` keeps out what a repository could have run (hooks, servers, settings) and cuts a request to a tenth;
 * the container is the sandbox, so nothing is asked.
 */
export function launchClaudeCode(place: AgentPlace): AgentLaunch {
  const { model } = place.order;
  return {
    args: [
      '--print',
      '--bare',
      '--output-format=stream-json',
      '--verbose',
      '--dangerously-skip-permissions',
      '--no-session-persistence',
      '--strict-mcp-config',
      `--model=${model}`,
      ...toolFlags(place),
    ],
    environment: {
      ANTHROPIC_BASE_URL: `${place.address}/anthropic`,
      ANTHROPIC_API_KEY: 'none',
      // It has further names for small models: all are the one the host chose.
      ANTHROPIC_DEFAULT_HAIKU_MODEL: model,
      CLAUDE_CODE_SUBAGENT_MODEL: model,
      CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
      DISABLE_AUTOUPDATER: '1',
      DISABLE_TELEMETRY: '1',
      DISABLE_ERROR_REPORTING: '1',
    },
    files: {},
    converse: (agent, watch) => followLines(agent, place.prompt, watch, meaningOf),
  };
}
