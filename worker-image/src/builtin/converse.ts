import { success, workerErrors, type AppError, type ChatToolCall, type Result } from '@agentcompany/protocol';
import { chat, type ChatFailure, type ChatReply } from '../door-chat.ts';
import type { DoorClient } from '../door-client.ts';
import { assistantMessage, toolMessage } from './conversation.ts';
import type { Session } from './session.ts';
import { refused, type AgentTool, type ToolAnswer } from './tools/tool.ts';

export interface Conversation {
  readonly session: Session;
  readonly system: string;
  readonly tools: ReadonlyMap<string, AgentTool>;
  readonly maximumTurns: number;
  readonly door: DoorClient;
  readonly progress: (message: string) => void;
}

/** How a conversation ended: `answer` is the last thing the model said. */
export interface ConversationEnd {
  readonly answer: string;
  readonly error: AppError | null;
}

/** How often an answer that was cut off on its way is asked for again. */
const repeats = 2;
const shownSubject = 80;

async function ask({ session, system, tools, door }: Conversation): Promise<Result<ChatReply, ChatFailure>> {
  const offered = [...tools.values()].map(({ name, description, parameters }) => ({ name, description, parameters }));
  const request = { system, messages: [...session.messages], tools: offered };
  for (let count = 0; ; count += 1) {
    const reply = await chat(door, request);
    if (reply.ok || count === repeats || !reply.error.isCut || reply.error.error.retry === 'never') return reply;
  }
}

/** What a call is about, for people: its path, command or pattern. */
function subjectOf(input: unknown): string {
  if (typeof input !== 'object' || input === null) return '';
  for (const name of ['path', 'command', 'pattern', 'id']) {
    const value: unknown = Reflect.get(input, name);
    if (typeof value === 'string') return ` ${value.replace(/[\p{C}\s]+/gu, ' ').slice(0, shownSubject)}`;
  }
  return '';
}

async function use(call: ChatToolCall, tools: ReadonlyMap<string, AgentTool>): Promise<ToolAnswer> {
  const tool = tools.get(call.name);
  if (tool === undefined)
    return refused(`there is no tool ${call.name}; there are: ${[...tools.keys()].join(', ') || 'none'}`);
  return call.problem === null ? tool.use(call.input) : refused(`${call.problem.message}. ${call.problem.remedy}`);
}

/** Carries out what the model asked for, one call after the other, since each may build on the one before. */
async function useTools(calls: readonly ChatToolCall[], { session, tools, progress }: Conversation): Promise<void> {
  const answers: ToolAnswer[] = [];
  for (const call of calls) {
    progress(`turn ${session.turns}: ${call.name}${subjectOf(call.input)}`);
    answers.push(await use(call, tools));
  }
  session.add(toolMessage(calls, answers));
}

/** What to tell a model that neither called a tool nor finished; null where it finished. */
function reminder({ text, stop }: ChatReply): string | null {
  if (stop === 'length') return 'Your answer was cut off because it was too long. Go on, in smaller steps.';
  return text.trim() === ''
    ? 'You gave no answer. Call a tool, or say in words that you are done and what you did.'
    : null;
}

/**
 * Lets the model speak and its tools work until it answers in words, its turns are spent (C27) or no answer can be had. While the
 * model thinks the working copy is quiet: then the work so far is left for the next attempt.
 */
export async function converse(conversation: Conversation): Promise<ConversationEnd> {
  const { session, maximumTurns } = conversation;
  let answer = '';
  while (session.turns < maximumTurns) {
    await session.hear();
    const [reply] = await Promise.all([ask(conversation), session.turns === 0 ? success() : session.save(false)]);
    if (!reply.ok) return { answer, error: reply.error.error };
    const { text, calls } = reply.value;
    session.turns += 1;
    if (text.trim() !== '') answer = text;
    session.add(assistantMessage(text, calls));
    if (calls.length > 0) await useTools(calls, conversation);
    else {
      const reminded = reminder(reply.value);
      if (reminded !== null) session.add({ role: 'user', text: reminded });
      // What was said while it gave its last answer still counts.
      else if (!(await session.hear())) return { answer, error: null };
    }
  }
  return { answer, error: workerErrors.AC_WORK_PARTIAL({ turns: maximumTurns }) };
}
