import { z } from 'zod';
import { callId, jsonObject, tokenLimit, toolName } from '../request-parts.ts';

const part = z.object({
  text: z.string().nullish(),
  thought: z.boolean().nullish(),
  thoughtSignature: z.string().max(65_536).nullish(),
  inlineData: z.object({ mimeType: z.string(), data: z.string() }).nullish(),
  functionCall: z.object({ id: callId.nullish(), name: toolName, args: jsonObject.nullish() }).nullish(),
  functionResponse: z
    .object({
      id: callId.nullish(),
      name: toolName,
      response: jsonObject,
      /** Images and the like that belong to the response. */
      parts: z.array(z.object({ inlineData: z.object({ mimeType: z.string(), data: z.string() }) })).nullish(),
    })
    .nullish(),
  // Kinds of which nothing can be made: each would otherwise be passed over as an empty part.
  fileData: z.null().optional(),
  executableCode: z.null().optional(),
  codeExecutionResult: z.null().optional(),
});
export type GeminiPart = z.infer<typeof part>;

const content = z.object({ role: z.enum(['user', 'model', 'function']).nullish(), parts: z.array(part) });
export type GeminiContent = z.infer<typeof content>;

const tool = z.object({
  functionDeclarations: z
    .array(
      z.object({
        name: toolName,
        description: z.string().nullish(),
        /** In Google's own words for schemas. */
        parameters: jsonObject.nullish(),
        parametersJsonSchema: jsonObject.nullish(),
      }),
    )
    .max(1024)
    .nullish(),
});

/** What of a request is read; everything else in it has no effect. */
export const generateRequest = z.object({
  contents: z.array(content).min(1).max(100_000),
  systemInstruction: z.object({ parts: z.array(z.object({ text: z.string() })) }).nullish(),
  tools: z.array(tool).max(64).nullish(),
  generationConfig: z
    .object({
      maxOutputTokens: tokenLimit,
      responseMimeType: z.string().nullish(),
      responseSchema: jsonObject.nullish(),
      responseJsonSchema: jsonObject.nullish(),
    })
    .nullish(),
});
export type GenerateRequest = z.infer<typeof generateRequest>;

/** Either what would be sent, or a whole request. */
export const countRequest = z.union([
  z.object({ generateContentRequest: generateRequest }).transform((body) => body.generateContentRequest),
  generateRequest,
]);
