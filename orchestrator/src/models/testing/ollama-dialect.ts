import { z } from 'zod';
import type { Answer, Dialect, Fault, FaultAnswer } from './dialect.ts';

const message = z.discriminatedUnion('role', [
  z.strictObject({ role: z.literal('system'), content: z.string() }),
  z.strictObject({ role: z.literal('user'), content: z.string(), images: z.array(z.base64()).optional() }),
  z.strictObject({
    role: z.literal('assistant'),
    content: z.string(),
    tool_calls: z
      .array(z.strictObject({ function: z.strictObject({ name: z.string(), arguments: z.looseObject({}) }) }))
      .optional(),
  }),
  z.strictObject({ role: z.literal('tool'), tool_name: z.string(), content: z.string() }),
]);
const body = z.strictObject({
  model: z.string(),
  stream: z.literal(true),
  messages: z.array(message).min(1),
  options: z.strictObject({
    num_predict: z.int().positive(),
    temperature: z.number().min(0).max(2).optional(),
  }),
  tools: z
    .array(
      z.strictObject({
        type: z.literal('function'),
        function: z.strictObject({
          name: z.string(),
          description: z.string(),
          parameters: z.looseObject({ type: z.literal('object') }),
        }),
      }),
    )
    .optional(),
  format: z.looseObject({}).optional(),
});

function error(status: number, text: string): FaultAnswer {
  return { status, body: { error: text } };
}

const faults: Readonly<Record<Fault, (key: string) => FaultAnswer>> = {
  'wrong-key': (key) => error(401, `unauthorized: ${key}`),
  'rate-limit': () => error(429, 'too many requests'),
  'no-credit': () => error(402, 'you have reached your usage limit'),
  'overloaded': () => error(503, 'server busy, please try again. maximum pending requests exceeded'),
  'broken': () => error(500, 'llama runner process has terminated'),
  'no-model': () => error(404, "model 'absent' not found"),
  'context': () => error(400, 'the input exceeds the context length'),
  'tokens': () => error(400, 'option num_predict is out of range'),
  'bad-request': () => error(400, 'invalid messages'),
};

function frames({ texts, calls, stop, usage }: Answer): readonly string[] {
  const line = (content: string, more: object, done = false): string =>
    `${JSON.stringify({ model: 'm', created_at: '2026-01-01T00:00:00Z', message: { role: 'assistant', content, ...more }, done })}\n`;
  const last = {
    model: 'm',
    created_at: '2026-01-01T00:00:00Z',
    message: { role: 'assistant', content: '' },
    done: true,
    done_reason: stop === 'length' ? 'length' : 'stop',
    prompt_eval_count: usage.input,
    eval_count: usage.output,
  };
  return [
    ...texts.map((text) => line(text, {})),
    ...calls.map(({ name, input }) => line('', { tool_calls: [{ function: { name, arguments: input } }] })),
    `${JSON.stringify(last)}\n`,
  ];
}

/** `/api/chat` of ollama. */
export const ollamaDialect: Dialect = {
  contentType: 'application/x-ndjson',
  keyOf: (headers) => /^Bearer (.+)$/.exec(headers.authorization ?? '')?.[1] ?? null,
  isChat: (method, path) => method === 'POST' && path === '/api/chat',
  inspect: (given) => {
    const parsed = body.safeParse(given);
    return parsed.success ? null : parsed.error.message;
  },
  frames,
  errorFrame: `${JSON.stringify({ error: 'an error was encountered: server overloaded' })}\n`,
  fault: (fault, key) => faults[fault](key),
  describeModel: (method, path, given, models) => {
    if (method !== 'POST' || path !== '/api/show') return null;
    const { model } = z.looseObject({ model: z.string() }).parse(given);
    return models.includes(model) ? { status: 200, body: { details: {}, capabilities: [] } } : faults['no-model']('');
  },
};
