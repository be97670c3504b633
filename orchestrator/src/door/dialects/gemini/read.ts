import type { ModelRequest, UserPart } from '../../../models/model.ts';
import type { AttemptModels } from '../../attempt-services.ts';
import { Conversation } from '../conversation.ts';
import { assemble, imagePart, splitResult, type GivenTool, type Read } from '../request-parts.ts';
import { ToolNames } from '../tool-names.ts';
import { toJsonSchema } from './to-json-schema.ts';
import type { GeminiContent, GeminiPart, GenerateRequest } from './schema.ts';

/** A request of the Gemini API in our form. */
export function readGenerate(body: GenerateRequest, models: AttemptModels, isStream: boolean): Read {
  const names = new ToolNames();
  const conversation = new Conversation(names);
  conversation.system((body.systemInstruction?.parts ?? []).map(({ text }) => text).join('\n\n'));
  for (const content of body.contents) readContent(conversation, names, content);
  const all = body.tools ?? [];
  const tools = all.flatMap(({ functionDeclarations: declared }) => declared ?? []);
  return assemble(
    {
      conversation,
      names,
      tools: tools.map(({ name, description, parameters, parametersJsonSchema: schema }): GivenTool => ({
        name,
        description: description ?? '',
        parameters: schema ?? toJsonSchema(parameters ?? {}),
      })),
      providerTools: all.filter(({ functionDeclarations: declared }) => !declared).length,
      answerSchema: answerSchemaOf(body.generationConfig),
      maxTokens: body.generationConfig?.maxOutputTokens,
      isStream,
      // The format has no mark for it; whoever has tools will send the same beginning again.
      cachePrefix: tools.length > 0,
    },
    models,
  );
}

function answerSchemaOf(config: GenerateRequest['generationConfig']): ModelRequest['answerSchema'] {
  const { responseSchema, responseJsonSchema, responseMimeType } = config ?? {};
  if (responseJsonSchema) return { name: 'answer', schema: responseJsonSchema };
  if (responseSchema) return { name: 'answer', schema: toJsonSchema(responseSchema) };
  return responseMimeType === 'application/json' ? { name: 'answer', schema: { type: 'object' } } : null;
}

function readContent(conversation: Conversation, names: ToolNames, { role, parts }: GeminiContent): void {
  if (role === 'model') return readAnswer(conversation, parts);
  const later: UserPart[] = [];
  for (const { text, inlineData, functionCall, functionResponse } of parts) {
    if (functionCall) conversation.refuse("a user's content holds a functionCall");
    if (functionResponse) {
      const { id, name, response } = functionResponse;
      const attached = (functionResponse.parts ?? []).flatMap((part) => toImage(conversation, part.inlineData));
      const answered = splitResult([{ type: 'text', text: responseText(response) }, ...attached]);
      const result = { text: answered.text, isError: typeof response['error'] === 'string' };
      conversation.results([{ ...result, callId: id ?? openCall(conversation, names.toNeutral(name)) }]);
      later.push(...answered.images);
    }
    if (inlineData) later.push(...toImage(conversation, inlineData));
    if (typeof text === 'string') later.push({ type: 'text', text });
  }
  conversation.user(later);
}

/** Without an id the oldest call of that name is meant that has no result yet. */
function openCall(conversation: Conversation, name: string): string {
  return conversation.openCalls().find((call) => call.name === name)?.id ?? name;
}

function responseText(response: Readonly<Record<string, unknown>>): string {
  const { output, error } = response;
  if (typeof error === 'string') return error;
  return typeof output === 'string' && Object.keys(response).length === 1 ? output : JSON.stringify(response);
}

function readAnswer(conversation: Conversation, parts: readonly GeminiPart[]): void {
  const texts: string[] = [];
  const calls: Parameters<Conversation['assistant']>[1][number][] = [];
  for (const { text, thought, functionCall, functionResponse, inlineData, thoughtSignature } of parts) {
    if (functionResponse || inlineData) conversation.refuse("a model's content holds neither text nor a functionCall");
    if (typeof text === 'string' && thought !== true) texts.push(text);
    if (!functionCall) continue;
    const id = functionCall.id ?? `call-${conversation.callCount + calls.length + 1}`;
    calls.push({
      id,
      name: functionCall.name,
      input: functionCall.args ?? {},
      signature: thoughtSignature ?? undefined,
    });
  }
  conversation.assistant(texts.join(''), calls);
}

function toImage(
  conversation: Conversation,
  { mimeType, data }: { readonly mimeType: string; readonly data: string },
): readonly UserPart[] {
  const image = imagePart(mimeType, data);
  if (image === null) conversation.refuse('inlineData is neither png, jpeg, webp nor gif in base64');
  return image === null ? [] : [image];
}
