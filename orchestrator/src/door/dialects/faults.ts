import type { AppError } from '@agentcompany/protocol';

/** Why a request gets no answer, or not the whole of it. Every wire format has its own status and words for each. */
export type FaultKind =
  /** The request is not one that can be translated. */
  | 'invalid'
  | 'too-large'
  /** A model or a page that does not exist. */
  | 'absent'
  /** The conversation is longer than the model can read: agents shorten theirs when they are told so. */
  | 'context'
  /** No more may be spent: repeating does not help. */
  | 'budget'
  /** The attempt has had all its answers: repeating does not help. */
  | 'turns'
  /** The host cannot use the model as it is set up: repeating does not help. */
  | 'unusable'
  /** The model declined to answer, in formats that have no other word for it. */
  | 'declined'
  | 'rate-limit'
  | 'overloaded';

export interface Fault {
  readonly kind: FaultKind;
  readonly message: string;
  /** Milliseconds; null: unknown. */
  readonly retryAfterMs: number | null;
}

/** Words of ours: what a provider or the host's configuration says stays on the host. Agents know the third by its words. */
const words = {
  'budget': 'The budget is spent; no more requests are answered',
  'turns': 'This attempt has had all the answers it may have',
  'context': 'prompt is too long: it exceeds the maximum context length of the model',
  'unusable': 'The model cannot be used',
  'declined': 'The model declined to answer',
  'rate-limit': 'The model takes no more requests at present (rate limit)',
  'overloaded': 'The model is overloaded or cannot be reached at present',
} as const;

function kindOf({ code, retry }: AppError): keyof typeof words {
  if (code === 'AC_BUDGET_SPENT') return 'budget';
  if (code === 'AC_WORK_PARTIAL') return 'turns';
  if (code === 'AC_MODEL_CONTEXT_TOO_LONG') return 'context';
  if (code === 'AC_MODEL_REFUSED') return 'declined';
  if (code === 'AC_MODEL_RATE_LIMITED') return 'rate-limit';
  return retry === 'never' ? 'unusable' : 'overloaded';
}

/** What a code agent is told of a failed call. Its code is all it learns of the cause. */
export function faultOf(error: AppError, retryAfterMs: number | null): Fault {
  const kind = kindOf(error);
  return { kind, message: `${words[kind]} (${error.code})`, retryAfterMs };
}

/** A fault of the request itself. */
export function requestFault(kind: 'invalid' | 'too-large' | 'absent', message: string): Fault {
  return { kind, message, retryAfterMs: null };
}
