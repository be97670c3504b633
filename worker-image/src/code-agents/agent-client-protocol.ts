import { Readable, Writable } from 'node:stream';
import type {
  ClientContext,
  NewSessionRequest,
  NewSessionResponse,
  PromptResponse,
  SessionNotification,
} from '@agentclientprotocol/sdk';
import { toolServerName, type AgentPlace, type AgentWatch, type AgentWords } from './agent-launch.ts';
import type { AgentProcess } from './agent-process.ts';

const clientName = 'agentcompany';
const protocolVersion = 1;

/** The messages of an agent, put together from their pieces: a tool between two pieces ends a message. */
class Messages {
  readonly #watch: AgentWatch;
  readonly #seen = new Set<string>();
  #text = '';
  #isOpen = false;
  #isAsked = false;

  constructor(watch: AgentWatch) {
    this.#watch = watch;
  }

  get last(): string {
    return this.#text;
  }

  /** What an agent says before it was asked anything is about itself; what it says to the next prompt is another message. */
  begin(): void {
    this.end();
    this.#isAsked = true;
  }

  take({ update }: SessionNotification): void {
    if (!this.#isAsked) return;
    if (update.sessionUpdate === 'agent_message_chunk' && update.content.type === 'text') {
      this.#text = this.#isOpen ? this.#text + update.content.text : update.content.text;
      this.#isOpen = true;
    }
    if (update.sessionUpdate !== 'tool_call' || this.#seen.has(update.toolCallId)) return;
    this.#seen.add(update.toolCallId);
    this.end();
    this.#watch.onTool(update.kind ?? 'tool');
  }

  end(): void {
    if (this.#isOpen) this.#watch.onText(this.#text);
    this.#isOpen = false;
  }
}

async function carryOut(
  context: ClientContext,
  place: AgentPlace,
  mode: string | null,
  lateness: AbortSignal,
  onAsked: () => void,
): Promise<string> {
  const { methods } = await import('@agentclientprotocol/sdk');
  await context.request(methods.agent.initialize, {
    protocolVersion,
    clientCapabilities: { fs: { readTextFile: false, writeTextFile: false }, terminal: false },
  });
  const mcpServers: NewSessionRequest['mcpServers'] =
    place.toolServer === null ? [] : [{ type: 'http', name: toolServerName, url: place.toolServer, headers: [] }];
  const session: NewSessionRequest = { cwd: place.repository, mcpServers };
  const { sessionId } = await context.request<NewSessionResponse>(methods.agent.session.new, session);
  if (mode !== null) await context.request(methods.agent.session.setMode, { sessionId, modeId: mode });
  lateness.addEventListener('abort', () => void context.notify(methods.agent.session.cancel, { sessionId }));
  const ask = async (text: string): Promise<string> => {
    onAsked();
    const prompt = [{ type: 'text' as const, text }];
    return (await context.request<PromptResponse>(methods.agent.session.prompt, { sessionId, prompt })).stopReason;
  };
  let stopReason = await ask(place.prompt);
  while (stopReason === 'end_turn') {
    const said = await place.hear();
    if (said === null) break;
    stopReason = await ask(said);
  }
  return stopReason;
}

/**
 * Speaks with an agent by the Agent Client Protocol, version 1: one session, one prompt and one more whenever people told something
 * meanwhile, every permission given, since the container
 * is the sandbox. `mode`: what the agent calls working without asking. Its process is ended with the conversation.
 */
export async function converseByProtocol(
  agent: AgentProcess,
  place: AgentPlace,
  watch: AgentWatch,
  mode: string | null = null,
): Promise<AgentWords> {
  const { client, methods, ndJsonStream } = await import('@agentclientprotocol/sdk');
  const messages = new Messages(watch);
  const stream = ndJsonStream(Writable.toWeb(agent.input), Readable.toWeb(agent.output));
  try {
    const stopReason = await client({ name: clientName })
      .onRequest(methods.client.session.requestPermission, ({ params: { options } }) => {
        const chosen =
          options.find(({ kind }) => kind === 'allow_always') ?? options.find(({ kind }) => kind === 'allow_once');
        return {
          outcome: chosen === undefined ? { outcome: 'cancelled' } : { outcome: 'selected', optionId: chosen.optionId },
        };
      })
      .onNotification(methods.client.session.update, ({ params }) => messages.take(params))
      .connectWith(stream, (context) => carryOut(context, place, mode, agent.lateness, () => messages.begin()));
    messages.end();
    return { text: messages.last, problem: stopReason === 'end_turn' ? null : `it stopped: ${stopReason}` };
  } catch (cause) {
    messages.end();
    return { text: messages.last, problem: cause instanceof Error ? cause.message : JSON.stringify(cause) };
  } finally {
    agent.kill();
  }
}
