import type { FaultAnswer } from './converse.ts';
import type { Fault, FaultKind } from './faults.ts';

/** A spent budget is 400: with 429 `insufficient_quota`, which OpenAI says, its own library asks again. */
const kinds: Readonly<Record<FaultKind, readonly [status: number, type: string, code: string | null]>> = {
  'invalid': [400, 'invalid_request_error', null],
  'too-large': [413, 'invalid_request_error', null],
  'absent': [404, 'invalid_request_error', 'model_not_found'],
  'context': [400, 'invalid_request_error', 'context_length_exceeded'],
  'budget': [400, 'insufficient_quota', 'insufficient_quota'],
  'unusable': [403, 'invalid_request_error', 'model_unusable'],
  'rate-limit': [429, 'requests', 'rate_limit_exceeded'],
  'overloaded': [503, 'server_error', null],
};

interface OpenaiError {
  readonly message: string;
  readonly type: string;
  readonly param: null;
  readonly code: string | null;
}

/** The error object of OpenAI's formats. */
export function openaiError({ kind, message }: Fault): OpenaiError {
  const [, type, code] = kinds[kind];
  return { message, type, param: null, code };
}

export function openaiFault(fault: Fault): FaultAnswer {
  return { status: kinds[fault.kind][0], body: { error: openaiError(fault) } };
}
