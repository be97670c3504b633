import { z } from 'zod';
import { protocolErrors } from './errors.ts';
import { envelopeTypes } from './payloads/index.ts';
import { failure, success, type Result } from './result.ts';

const uuid = z.string().regex(/^[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);

/** Names of queues and agents: they become file names and Redis keys, so nothing that a path could abuse. */
export const agentName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9._/-]{0,127}$/)
  .refine((name) => !name.includes('..') && !name.includes('//'), 'may not contain .. or //');

/** Which run, task, attempt and mail thread an envelope belongs to. */
export const contextSchema = z.looseObject({
  run_id: z.string().optional(),
  task_id: z.string().optional(),
  attempt_id: z.string().optional(),
  thread_id: z.string().optional(),
});
export type Context = z.infer<typeof contextSchema>;

/** An object as JSON has it; taken as it is, for a schema that copies would leave out a key named `__proto__`. */
const content = z.custom<Record<string, unknown>>((value) => {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}, 'an object is expected');

/** The one message type (DESIGN §3). Unknown fields are kept. `created_at` orders nothing: `seq` of the stream does. */
export const envelopeSchema = z.looseObject({
  version: z.literal('1'),
  id: uuid,
  sender: agentName,
  recipient: agentName,
  envelope_type: z.enum(envelopeTypes),
  payload: content,
  context: contextSchema,
  inReplyTo: uuid.nullable(),
  created_at: z.iso.datetime(),
});
export type Envelope = z.infer<typeof envelopeSchema>;
export type EnvelopeType = (typeof envelopeTypes)[number];

/** The stream that keeps runs apart from what concerns the whole company. */
export const companyStream = 'company';

/** What says how work goes on: it is not folded. */
const beside: ReadonlySet<string> = new Set(['task_progress', 'egress_request']);

/** The stream an envelope enters: `<run>/progress` for progress and the way out, its run, else `company` (DESIGN §3). */
export function streamOf(envelope: Pick<Envelope, 'envelope_type' | 'context'>): string {
  const run = envelope.context.run_id;
  if (run === undefined) return companyStream;
  return beside.has(envelope.envelope_type) ? `${run}/progress` : run;
}

const spellings: Readonly<Record<string, string>> = {
  from: 'sender',
  to: 'recipient',
  type: 'envelope_type',
  time: 'created_at',
  timestamp: 'created_at',
  in_reply_to: 'inReplyTo',
};

/** Reads the spellings seen in the field (`from`, `to`, `type`, `timestamp`, version `0.1` …); they are never written. */
function respell(value: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const fields: Record<string, unknown> = { context: {}, inReplyTo: null, payload: {} };
  for (const [name, field] of Object.entries(value)) {
    const known = spellings[name] ?? name;
    if (known !== name && Object.hasOwn(value, known)) continue;
    fields[known] = field;
  }
  if (fields['version'] === '0.1') fields['version'] = '1';
  if (typeof fields['envelope_type'] === 'string') fields['envelope_type'] = fields['envelope_type'].toLowerCase();
  return fields;
}

/** True for what JSON can name but an object cannot hold like any other field. */
function hasPrototypeKey(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, '__proto__');
}

/** The first problem of a zod error as `path: message`. */
export function firstProblem(error: z.ZodError): string {
  const issue = error.issues[0];
  if (issue === undefined) return 'unknown problem';
  return issue.path.length === 0 ? issue.message : `${issue.path.join('.')}: ${issue.message}`;
}

/**
 * Reads an envelope from whatever was received. Errors: `AC_ENVELOPE_INVALID` naming the field,
 * `AC_ENVELOPE_VERSION`, `AC_ENVELOPE_TYPE`. The payload is checked by `parsePayload`, by whoever handles the type.
 */
export function parseEnvelope(value: unknown): Result<Envelope> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return failure(protocolErrors.AC_ENVELOPE_INVALID({ problem: 'an object is expected' }));
  }
  if (hasPrototypeKey(value) || hasPrototypeKey((value as { readonly context?: unknown }).context)) {
    return failure(protocolErrors.AC_ENVELOPE_INVALID({ problem: '__proto__: no name of a field' }));
  }
  const fields = respell(value as Record<string, unknown>);
  const type = fields['envelope_type'];
  if (typeof fields['version'] === 'string' && fields['version'] !== '1') {
    return failure(protocolErrors.AC_ENVELOPE_VERSION({ version: fields['version'] }));
  }
  if (typeof type === 'string' && !(envelopeTypes as readonly string[]).includes(type)) {
    return failure(protocolErrors.AC_ENVELOPE_TYPE({ type: type.slice(0, 80) }));
  }
  const parsed = envelopeSchema.safeParse(fields);
  return parsed.success
    ? success(parsed.data)
    : failure(protocolErrors.AC_ENVELOPE_INVALID({ problem: firstProblem(parsed.error) }));
}
