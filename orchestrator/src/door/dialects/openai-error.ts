import type { FaultAnswer } from './converse.ts';
import type { Fault, FaultKind } from './faults.ts';

/**
 * What repeating cannot help is 400 with a code that ends a turn: with OpenAI's own 429 `insufficient_quota` its library asks again, and Codex
 * does for any other status (seen with 0.169.0). A body that is too large stands for a conversation that is too long.
 */
const kinds: Readonly<Record<FaultKind, readonly [status: number, type: string, code: string | null]>> = {
  'invalid': [400, 'invalid_request_error', null],
  'too-large': [400, 'invalid_request_error', 'context_length_exceeded'],
  'absent': [404, 'invalid_request_error', 'model_not_found'],
  'context': [400, 'invalid_request_error', 'context_length_exceeded'],
  'budget': [400, 'insufficient_quota', 'insufficient_quota'],
  'unusable': [400, 'invalid_request_error', 'invalid_prompt'],
  'turns': [400, 'invalid_request_error', 'invalid_prompt'],
  'declined': [400, 'invalid_request_error', 'invalid_prompt'],
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
