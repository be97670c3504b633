import { z } from 'zod';
import { sseFrame, type Answer, type Dialect, type Fault, type FaultAnswer } from './dialect.ts';

const part = z.union([
  z.strictObject({ text: z.string().min(1) }),
  z.strictObject({ inlineData: z.strictObject({ mimeType: z.string(), data: z.base64() }) }),
  z.strictObject({
    functionCall: z.strictObject({ id: z.string(), name: z.string(), args: z.looseObject({}) }),
    thoughtSignature: z.literal('c2lnbmVk'),
  }),
  z.strictObject({
    functionResponse: z.strictObject({ id: z.string(), name: z.string(), response: z.looseObject({}) }),
  }),
]);
const body = z.strictObject({
  contents: z.array(z.strictObject({ role: z.enum(['user', 'model']), parts: z.array(part).min(1) })).min(1),
  systemInstruction: z
    .strictObject({ role: z.literal('user').optional(), parts: z.array(z.strictObject({ text: z.string() })) })
    .optional(),
  tools: z
    .array(
      z.strictObject({
        functionDeclarations: z.array(
          z.strictObject({
            name: z.string(),
            description: z.string(),
            parametersJsonSchema: z.looseObject({ type: z.literal('object') }),
          }),
        ),
      }),
    )
    .optional(),
  generationConfig: z.strictObject({
    maxOutputTokens: z.int().positive(),
    temperature: z.number().min(0).max(2).optional(),
    responseMimeType: z.literal('application/json').optional(),
    responseJsonSchema: z.looseObject({}).optional(),
  }),
});

function error(code: number, status: string, message: string, details: readonly object[] = []): FaultAnswer {
  return { status: code, body: { error: { code, message, status, details } } };
}

const faults: Readonly<Record<Fault, (key: string) => FaultAnswer>> = {
  'wrong-key': (key) =>
    error(400, 'INVALID_ARGUMENT', `API key not valid: ${key}. Please pass a valid API key.`, [
      { '@type': 'type.googleapis.com/google.rpc.ErrorInfo', 'reason': 'API_KEY_INVALID' },
    ]),
  'rate-limit': () =>
    error(429, 'RESOURCE_EXHAUSTED', 'You exceeded your current requests per minute', [
      { '@type': 'type.googleapis.com/google.rpc.RetryInfo', 'retryDelay': '0.02s' },
    ]),
  'no-credit': () => error(402, 'FAILED_PRECONDITION', 'Enable billing on your project'),
  'overloaded': () => error(503, 'UNAVAILABLE', 'The model is overloaded. Please try again later.'),
  'broken': () => error(500, 'INTERNAL', 'An internal error has occurred.'),
  'no-model': () => error(404, 'NOT_FOUND', 'models/absent is not found for API version v1beta'),
  'context': () =>
    error(400, 'INVALID_ARGUMENT', 'The input token count (1200000) exceeds the maximum number of tokens allowed.'),
  'tokens': () => error(400, 'INVALID_ARGUMENT', 'maxOutputTokens value of 100000 is out of the supported range'),
  'bad-request': () => error(400, 'INVALID_ARGUMENT', 'Invalid JSON payload received.'),
};

function frames({ texts, calls, stop, usage }: Answer): readonly string[] {
  const chunk = (parts: readonly object[], finish: object = {}): string =>
    sseFrame({
      candidates: [{ content: { role: 'model', parts }, index: 0, ...finish }],
      usageMetadata: {
        promptTokenCount: usage.input + usage.cacheRead,
        candidatesTokenCount: usage.output - 1,
        thoughtsTokenCount: 1,
        cachedContentTokenCount: usage.cacheRead,
      },
      modelVersion: 'm',
    });
  const reason = stop === 'refused' ? 'SAFETY' : stop === 'length' ? 'MAX_TOKENS' : 'STOP';
  return [
    chunk([{ text: 'thinking it over', thought: true }]),
    ...texts.map((text) => chunk([{ text }])),
    ...calls.map(({ id, name, input }) =>
      chunk([{ functionCall: { id, name, args: input }, thoughtSignature: 'c2lnbmVk' }]),
    ),
    chunk([{ text: '' }], { finishReason: reason }),
  ];
}

/** `streamGenerateContent` of the Gemini API. */
export const geminiDialect: Dialect = {
  contentType: 'text/event-stream',
  keyOf: (headers) => (headers['x-goog-api-key'] as string | undefined) ?? null,
  isChat: (method, path) => method === 'POST' && /^\/v1beta\/models\/[^/:]+:streamGenerateContent\?alt=sse$/.test(path),
  inspect: (given) => {
    const parsed = body.safeParse(given);
    return parsed.success ? null : parsed.error.message;
  },
  frames,
  errorFrame: sseFrame({ error: { code: 503, message: 'The model is overloaded.', status: 'UNAVAILABLE' } }),
  fault: (fault, key) => faults[fault](key),
  describeModel: (method, path, _body, models) => {
    const id = /^\/v1beta\/models\/([^/:?]+)$/.exec(path)?.[1];
    if (method !== 'GET' || id === undefined) return null;
    return models.includes(id) ? { status: 200, body: { name: `models/${id}` } } : faults['no-model']('');
  },
};
