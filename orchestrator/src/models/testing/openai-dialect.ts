import { z } from 'zod';
import { halves, sseFrame, type Answer, type Dialect, type Fault, type FaultAnswer } from './dialect.ts';

const functionCall = z.strictObject({ name: z.string(), arguments: z.string() });
const message = z.discriminatedUnion('role', [
  z.strictObject({ role: z.literal('system'), content: z.string().min(1) }),
  z.strictObject({
    role: z.literal('user'),
    content: z
      .array(
        z.discriminatedUnion('type', [
          z.strictObject({ type: z.literal('text'), text: z.string() }),
          z.strictObject({
            type: z.literal('image_url'),
            image_url: z.strictObject({ url: z.string().startsWith('data:image/') }),
          }),
        ]),
      )
      .min(1),
  }),
  z.strictObject({
    role: z.literal('assistant'),
    content: z.string(),
    tool_calls: z
      .array(z.strictObject({ type: z.literal('function'), id: z.string().min(1), function: functionCall }))
      .optional(),
  }),
  z.strictObject({ role: z.literal('tool'), tool_call_id: z.string().min(1), content: z.string() }),
]);
const body = z.strictObject({
  model: z.string(),
  max_completion_tokens: z.int().positive(),
  temperature: z.number().min(0).max(2).optional(),
  messages: z.array(message).min(1),
  stream: z.literal(true),
  stream_options: z.strictObject({ include_usage: z.literal(true) }),
  tools: z
    .array(
      z.strictObject({
        type: z.literal('function'),
        function: z.strictObject({
          name: z.string().regex(/^[\w-]{1,64}$/),
          description: z.string(),
          parameters: z.looseObject({ type: z.literal('object') }),
        }),
      }),
    )
    .optional(),
  response_format: z
    .strictObject({
      type: z.literal('json_schema'),
      json_schema: z.strictObject({ name: z.string(), schema: z.looseObject({}), strict: z.literal(false) }),
    })
    .optional(),
});

function error(status: number, text: string, code: string | null, type = 'invalid_request_error'): FaultAnswer {
  return { status, body: { error: { message: text, type, param: null, code } } };
}

const faults: Readonly<Record<Fault, (key: string) => FaultAnswer>> = {
  'wrong-key': (key) => error(401, `Incorrect API key provided: ${key}.`, 'invalid_api_key'),
  'rate-limit': () => error(429, 'Rate limit reached for requests', 'rate_limit_exceeded', 'requests'),
  'no-credit': () => error(429, 'You exceeded your current quota', 'insufficient_quota', 'insufficient_quota'),
  'overloaded': () => error(503, 'The engine is currently overloaded', null, 'server_error'),
  'broken': () => error(500, 'The server had an error', null, 'server_error'),
  'no-model': () => error(404, 'The model `absent` does not exist', 'model_not_found'),
  'context': () => error(400, "This model's maximum context length is 128000 tokens.", 'context_length_exceeded'),
  'tokens': () => error(400, 'max_tokens is too large: 100000. This model supports at most 16384.', 'invalid_value'),
  'bad-request': () => error(400, "Missing required parameter: 'messages'.", 'missing_required_parameter'),
};

function frames({ texts, calls, stop, usage }: Answer): readonly string[] {
  const chunk = (delta: object, finish: string | null = null): string =>
    sseFrame({
      id: 'chatcmpl-1',
      object: 'chat.completion.chunk',
      created: 1,
      model: 'm',
      choices: [{ index: 0, delta, finish_reason: finish }],
      usage: null,
    });
  const reason = stop === 'refused' ? 'content_filter' : stop === 'length' ? 'length' : 'stop';
  return [
    chunk({ role: 'assistant', content: '' }),
    ...texts.map((content) => chunk({ content })),
    ...calls.flatMap(({ id, name, input }, index) => {
      const [first, second] = halves(typeof input === 'string' ? input : JSON.stringify(input));
      return [
        chunk({ tool_calls: [{ index, id, type: 'function', function: { name, arguments: '' } }] }),
        chunk({ tool_calls: [{ index, function: { arguments: first } }] }),
        chunk({ tool_calls: [{ index, function: { arguments: second } }] }),
      ];
    }),
    chunk({}, calls.length > 0 ? 'tool_calls' : reason),
    sseFrame({
      id: 'chatcmpl-1',
      object: 'chat.completion.chunk',
      created: 1,
      model: 'm',
      choices: [],
      usage: {
        prompt_tokens: usage.input + usage.cacheRead,
        completion_tokens: usage.output,
        total_tokens: usage.input + usage.cacheRead + usage.output,
        prompt_tokens_details: { cached_tokens: usage.cacheRead },
      },
    }),
    'data: [DONE]\n\n',
  ];
}

/** Chat Completions of OpenAI and of servers compatible with it. */
export const openaiDialect: Dialect = {
  contentType: 'text/event-stream; charset=utf-8',
  keyOf: (headers) => /^Bearer (.+)$/.exec(headers.authorization ?? '')?.[1] ?? null,
  isChat: (method, path) => method === 'POST' && path === '/v1/chat/completions',
  inspect: (given) => {
    const parsed = body.safeParse(given);
    return parsed.success ? null : parsed.error.message;
  },
  frames,
  errorFrame: sseFrame({ error: { message: 'The server is overloaded', type: 'server_error', code: null } }),
  fault: (fault, key) => faults[fault](key),
  describeModel: (method, path, _body, models) => {
    if (method !== 'GET' || path !== '/v1/models') return null;
    const data = models.map((id) => ({ id, object: 'model', created: 1, owned_by: 'me' }));
    return { status: 200, body: { object: 'list', data } };
  },
};
