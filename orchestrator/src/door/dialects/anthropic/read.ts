import type { UserPart } from '../../../models/model.ts';
import type { AttemptModels } from '../../attempt-services.ts';
import { Conversation } from '../conversation.ts';
import { assemble, imagePart, splitResult, type GivenTool, type Read } from '../request-parts.ts';
import { ToolNames } from '../tool-names.ts';
import type { Block, Message, MessagesRequest, ResultBlock, Tool } from './schema.ts';

type PlainBlock = Extract<ResultBlock, { type: 'text' | 'image' | 'document' }>;

/** A request of the Messages API in our form. */
export function readMessages(body: MessagesRequest, models: AttemptModels): Read {
  const names = new ToolNames();
  const conversation = new Conversation(names);
  const { system } = body;
  for (const text of typeof system === 'string' ? [system] : (system ?? []).map((block) => block.text))
    conversation.system(text);
  for (const message of body.messages) readMessage(conversation, message);
  const isOwn = ({ type }: Tool): boolean => type === undefined || type === null || type === 'custom';
  const all = body.tools ?? [];
  const loaded = referencedTools(body.messages);
  const tools = all.filter((tool) => isOwn(tool) && (tool.defer_loading !== true || loaded.has(tool.name)));
  if (tools.some(({ input_schema: schema }) => schema === undefined)) conversation.refuse('a tool has no input_schema');
  const format = body.output_config?.format ?? null;
  const pieces = {
    conversation,
    names,
    tools: tools.map(toTool),
    providerTools: all.filter((tool) => !isOwn(tool)).length,
    answerSchema: format === null ? null : { name: 'answer', schema: format.schema },
    maxTokens: body.max_tokens,
    isStream: body.stream === true,
    cachePrefix: hasCacheMark(body),
  };
  return assemble(pieces, models);
}

function toTool({ name, description, input_schema: schema }: Tool): GivenTool {
  return { name, description: description ?? '', parameters: schema ?? {} };
}

function readMessage(conversation: Conversation, { role, content }: Message): void {
  const blocks: readonly Block[] = typeof content === 'string' ? [{ type: 'text', text: content }] : content;
  if (role === 'assistant') return readAssistant(conversation, blocks);
  if (role === 'system') {
    for (const block of blocks) if (block.type === 'text') conversation.system(block.text);
    return;
  }
  const later: UserPart[] = [];
  for (const block of blocks) {
    if (block.type !== 'tool_result') {
      later.push(...toUserParts(conversation, block));
      continue;
    }
    const parts = (typeof block.content === 'string' ? [textOf(block.content)] : (block.content ?? [])).flatMap(
      (part) => toResultPart(conversation, part),
    );
    const { text, images } = splitResult(parts);
    conversation.results([{ callId: block.tool_use_id, text, isError: block.is_error === true }]);
    later.push(...images);
  }
  conversation.user(later);
}

const textOf = (text: string): Extract<PlainBlock, { type: 'text' }> => ({ type: 'text', text });

function readAssistant(conversation: Conversation, blocks: readonly Block[]): void {
  const texts: string[] = [];
  const calls: Extract<Block, { type: 'tool_use' }>[] = [];
  for (const block of blocks) {
    if (block.type === 'text') texts.push(block.text);
    else if (block.type === 'tool_use') calls.push(block);
    else if (block.type !== 'thinking' && block.type !== 'redacted_thinking')
      conversation.refuse(`an assistant's message holds a block of type ${block.type}`);
  }
  conversation.assistant(texts.join(''), calls);
}

function toUserParts(conversation: Conversation, block: Block): readonly UserPart[] {
  if (block.type === 'text' || block.type === 'image' || block.type === 'document') return toPart(conversation, block);
  conversation.refuse(`a user's message holds a block of type ${block.type}`);
  return [];
}

function toResultPart(conversation: Conversation, block: ResultBlock): readonly UserPart[] {
  if (block.type === 'tool_reference') return [textOf(`The tool ${block.tool_name} can be used now.`)];
  return toPart(conversation, block);
}

function toPart(conversation: Conversation, block: PlainBlock): readonly UserPart[] {
  if (block.type === 'text') return [textOf(block.text)];
  if (block.type === 'document') return [textOf(`${block.title ?? ''}\n${block.source.data}`.trimStart())];
  const image = imagePart(block.source.media_type, block.source.data);
  if (image !== null) return [image];
  conversation.refuse('an image is neither png, jpeg, webp nor gif in base64');
  return [];
}

function referencedTools(messages: readonly Message[]): ReadonlySet<string> {
  const blocks = messages.flatMap(({ content }) => (typeof content === 'string' ? [] : content));
  const parts = blocks.flatMap((block) =>
    block.type === 'tool_result' && Array.isArray(block.content) ? block.content : [],
  );
  return new Set(parts.flatMap((part) => (part.type === 'tool_reference' ? [part.tool_name] : [])));
}

/** Whoever marks a place wants the beginning kept; where the marks go is for our own adapter to say. */
function hasCacheMark({ system, tools, messages }: MessagesRequest): boolean {
  const blocks = [
    ...(Array.isArray(system) ? system : []),
    ...(tools ?? []),
    ...messages.flatMap(({ content }) => (typeof content === 'string' ? [] : content)),
  ];
  return blocks.some(
    (block) => 'cache_control' in block && block.cache_control !== undefined && block.cache_control !== null,
  );
}
