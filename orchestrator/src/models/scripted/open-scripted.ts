import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { failure, success, type Result } from '@agentcompany/protocol';
import { modelErrors as errors } from '../errors.ts';
import { toolCall } from '../exchange.ts';
import type { ModelEvent, ModelProvider, ModelRequest } from '../model.ts';
import { scriptSchema, type ScriptedReply } from './script-schema.ts';

const maximumBytes = 16 * 1024 * 1024;
/** Characters of an unexpected request that the error shows: the end is what is new in it. */
const shown = 400;

/**
 * A model that answers from a file: the same request always gets the same reply, so that a run can be repeated without a
 * model. A request that no reply is for is an error. The file is read anew for every call.
 */
export function openScripted(file: string): ModelProvider {
  return {
    name: 'scripted',
    capabilities: { tools: true, structured: false, cache: false, images: false },
    stream: (model, request, signal) => answer(file, model, request, signal),
    check: async () => {
      const replies = await readScript(file);
      return replies.ok ? success() : replies;
    },
  };
}

async function* answer(
  file: string,
  model: string,
  request: ModelRequest,
  signal: AbortSignal,
): AsyncGenerator<ModelEvent> {
  const found = await findReply(file, model, request);
  const reply: Result<ScriptedReply> = signal.aborted ? failure(errors.AC_MODEL_ABORTED()) : found;
  if (!reply.ok) {
    yield { type: 'failed', error: reply.error, retryAfterMs: null };
    return;
  }
  const { text, tool_calls: calls, usage, stop } = reply.value;
  if (text !== '') yield { type: 'text', text };
  for (const [index, { name, input }] of calls.entries())
    yield toolCall({ id: `call-${request.messages.length}-${index + 1}`, name, input }, request.tools);
  yield { type: 'usage', usage };
  yield { type: 'end', stop: calls.length > 0 ? 'tool_calls' : stop };
}

async function findReply(file: string, model: string, request: ModelRequest): Promise<Result<ScriptedReply>> {
  const replies = await readScript(file);
  if (!replies.ok) return replies;
  const { system, messages, tools } = request;
  const asked = JSON.stringify({ model, system, messages, tools });
  const digest = createHash('sha256').update(asked).digest('hex');
  const texts = [system, ...textsOf(request)];
  const reply = replies.value.find((candidate) => fits(candidate, texts, digest));
  if (reply === undefined) return failure(errors.AC_MODEL_SCRIPT_MISMATCH({ digest }, asked.slice(-shown)));
  const captured = capture(reply, texts) ?? '';
  return success({ ...reply, text: reply.text.replaceAll('{captured}', () => captured) });
}

/** What the reply's expression finds first; null for nothing, empty where it has none. */
function capture({ capture: expression }: ScriptedReply, texts: readonly string[]): string | null {
  if (expression === undefined) return '';
  const match = texts.map((text) => new RegExp(expression, 'u').exec(text)).find((found) => found !== null);
  return match === undefined ? null : (match[1] ?? match[0]);
}

function fits(reply: ScriptedReply, texts: readonly string[], digest: string): boolean {
  const { contains, sha256 } = reply;
  if (capture(reply, texts) === null) return false;
  if (sha256 !== undefined && sha256 !== digest) return false;
  return contains.every((wanted) => texts.some((text) => text.includes(wanted)));
}

/** Every text of the conversation as it is, not as JSON writes it. */
function textsOf({ messages }: ModelRequest): readonly string[] {
  return messages.flatMap((message) => {
    if (message.role === 'tool') return message.results.map(({ text }) => text);
    if (message.role === 'assistant') return [message.text];
    return message.content.flatMap((part) => (part.type === 'text' ? [part.text] : []));
  });
}

async function readScript(file: string): Promise<Result<readonly ScriptedReply[]>> {
  try {
    await using handle = await open(file, 'r');
    const { size } = await handle.stat();
    if (size > maximumBytes)
      return failure(errors.AC_MODEL_SCRIPT_UNREADABLE({ file, problem: `it has more than ${maximumBytes} bytes` }));
    const parsed = scriptSchema.safeParse(JSON.parse(await handle.readFile('utf8')));
    if (parsed.success) return success(parsed.data.replies);
    const issue = parsed.error.issues[0];
    const problem = `${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`;
    return failure(errors.AC_MODEL_SCRIPT_UNREADABLE({ file, problem }));
  } catch (cause) {
    return failure(errors.AC_MODEL_SCRIPT_UNREADABLE({ file, problem: 'it cannot be read' }, cause));
  }
}
