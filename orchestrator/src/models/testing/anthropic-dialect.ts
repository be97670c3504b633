import { z } from 'zod';
import { halves, sseFrame, type Answer, type Dialect, type Fault, type FaultAnswer } from './dialect.ts';

const cacheMark = z.strictObject({ type: z.literal('ephemeral') }).optional();
const textBlock = z.strictObject({ type: z.literal('text'), text: z.string().min(1), cache_control: cacheMark });
const block = z.discriminatedUnion('type', [
  textBlock,
  z.strictObject({
    type: z.literal('image'),
    source: z.strictObject({ type: z.literal('base64'), media_type: z.string(), data: z.base64() }),
  }),
  z.strictObject({ type: z.literal('tool_use'), id: z.string().min(1), name: z.string(), input: z.looseObject({}) }),
  z.strictObject({
    type: z.literal('tool_result'),
    tool_use_id: z.string().min(1),
    content: z.string(),
    is_error: z.boolean(),
    cache_control: cacheMark,
  }),
]);
const body = z.strictObject({
  model: z.string(),
  max_tokens: z.int().positive(),
  temperature: z.number().min(0).max(1).optional(),
  stream: z.literal(true),
  messages: z.array(z.strictObject({ role: z.enum(['user', 'assistant']), content: z.array(block).min(1) })).min(1),
  system: z.array(textBlock).optional(),
  tools: z
    .array(
      z.strictObject({
        name: z.string().regex(/^[\w-]{1,64}$/),
        description: z.string(),
        input_schema: z.looseObject({ type: z.literal('object') }),
      }),
    )
    .optional(),
  output_config: z
    .strictObject({ format: z.strictObject({ type: z.literal('json_schema'), schema: z.looseObject({}) }) })
    .optional(),
});

function error(status: number, type: string, message: string): FaultAnswer {
  return { status, body: { type: 'error', error: { type, message }, request_id: 'req_1' } };
}

const faults: Readonly<Record<Fault, (key: string) => FaultAnswer>> = {
  'wrong-key': (key) => error(401, 'authentication_error', `invalid x-api-key: ${key}`),
  'rate-limit': () => error(429, 'rate_limit_error', 'Number of request tokens has exceeded your rate limit'),
  'no-credit': () => error(400, 'invalid_request_error', 'Your credit balance is too low to access the API'),
  'overloaded': () => error(529, 'overloaded_error', 'Overloaded'),
  'broken': () => error(500, 'api_error', 'Internal server error'),
  'no-model': () => error(404, 'not_found_error', 'model: absent'),
  'context': () => error(400, 'invalid_request_error', 'prompt is too long: 250000 tokens > 200000 maximum'),
  'tokens': () =>
    error(
      400,
      'invalid_request_error',
      'max_tokens: 100000 > 64000, which is the maximum allowed number of output tokens',
    ),
  'bad-request': () => error(400, 'invalid_request_error', 'messages: at least one message is required'),
};

function frames({ texts, calls, stop, usage }: Answer): readonly string[] {
  const event = (type: string, data: object): string => sseFrame({ type, ...data }, type);
  const reason = stop === 'refused' ? 'refusal' : stop === 'length' ? 'max_tokens' : 'end_turn';
  const started = {
    input_tokens: usage.input,
    output_tokens: 1,
    cache_read_input_tokens: usage.cacheRead,
    cache_creation_input_tokens: usage.cacheWrite,
  };
  const start = { id: 'msg_1', type: 'message', role: 'assistant', model: 'm', content: [], stop_reason: null };
  return [
    event('message_start', { message: { ...start, stop_sequence: null, usage: started } }),
    event('content_block_start', { index: 0, content_block: { type: 'text', text: '', citations: null } }),
    event('ping', {}),
    ...texts.map((text) => event('content_block_delta', { index: 0, delta: { type: 'text_delta', text } })),
    event('content_block_stop', { index: 0 }),
    ...calls.flatMap(({ id, name, input }, position) => {
      const index = position + 1;
      const parts = halves(typeof input === 'string' ? input : JSON.stringify(input));
      return [
        event('content_block_start', { index, content_block: { type: 'tool_use', id, name, input: {} } }),
        ...parts.map((part) =>
          event('content_block_delta', { index, delta: { type: 'input_json_delta', partial_json: part } }),
        ),
        event('content_block_stop', { index }),
      ];
    }),
    event('message_delta', {
      delta: { stop_reason: calls.length > 0 ? 'tool_use' : reason, stop_sequence: null },
      usage: { output_tokens: usage.output },
    }),
    event('message_stop', {}),
  ];
}

/** The Messages API of Anthropic. */
export const anthropicDialect: Dialect = {
  contentType: 'text/event-stream; charset=utf-8',
  keyOf: (headers) => (headers['x-api-key'] as string | undefined) ?? null,
  isChat: (method, path) => method === 'POST' && path === '/v1/messages',
  inspect: (given, _path, headers) => {
    if (headers['anthropic-version'] === undefined) return 'anthropic-version: header is required';
    const parsed = body.safeParse(given);
    return parsed.success ? null : parsed.error.message;
  },
  frames,
  errorFrame: sseFrame({ type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } }, 'error'),
  fault: (fault, key) => faults[fault](key),
  describeModel: (method, path, _body, models) => {
    const id = /^\/v1\/models\/([^/?]+)$/.exec(path)?.[1];
    if (method !== 'GET' || id === undefined) return null;
    if (!models.includes(id)) return faults['no-model']('');
    return { status: 200, body: { type: 'model', id, display_name: id, created_at: '2026-01-01T00:00:00Z' } };
  },
};
