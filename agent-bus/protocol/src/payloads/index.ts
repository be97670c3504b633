import type { z } from 'zod';
import { protocolErrors } from '../errors.ts';
import { failure, success, type Result } from '../result.ts';
import { instructionPayloads } from './instruction.ts';
import { judgementPayloads } from './judgement.ts';
import { machineryPayloads } from './machinery.ts';
import { runPayloads } from './run.ts';
import { workPayloads } from './work.ts';

/** The payload schema of every envelope type (DESIGN §3). */
export const payloadSchemas = {
  ...instructionPayloads,
  ...workPayloads,
  ...judgementPayloads,
  ...runPayloads,
  ...machineryPayloads,
};

type Schemas = typeof payloadSchemas;
export type PayloadOf<Type extends keyof Schemas> = z.infer<Schemas[Type]>;

/** Every envelope type, in the order of docs/protocol.md. */
export const envelopeTypes = Object.keys(payloadSchemas) as [keyof Schemas, ...(keyof Schemas)[]];

/** Checks the payload of an envelope against the schema of its type. Error: `AC_PAYLOAD_INVALID` naming the field. */
export function parsePayload<Type extends keyof Schemas>(type: Type, payload: unknown): Result<PayloadOf<Type>> {
  const parsed = payloadSchemas[type].safeParse(payload);
  if (parsed.success) return success(parsed.data as PayloadOf<Type>);
  const issue = parsed.error.issues[0];
  const problem = issue === undefined ? 'unknown problem' : `${issue.path.join('.')}: ${issue.message}`;
  return failure(protocolErrors.AC_PAYLOAD_INVALID({ type, problem }));
}
