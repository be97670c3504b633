import { createHash } from 'node:crypto';
import type { AppError, Context, Envelope } from '@agentcompany/protocol';

/** Where the engine hears of dead letters (DESIGN §4: dead letters never hang a run). */
export const engineQueue = 'engine';

/** `derivedId` of the protocol without a promise: a store derives ids inside its transaction. */
export function derivedIdSync(key: string): string {
  const bytes = createHash('sha256').update(key).digest().subarray(0, 16);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x80;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = bytes.toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

/** What is known of a buried delivery, even where its envelope cannot be read. */
export interface BuriedDelivery {
  readonly id: string;
  readonly envelopeType: string;
  readonly context: Context;
  readonly queue: string;
  readonly count: number;
  readonly epoch: number;
}

/** What a notice keeps of each text of an error, in characters: a cause may carry what a worker printed. */
const maxErrorText = 8192;

/** The error with texts short enough for a notice. */
export function clipError(error: AppError): AppError {
  const clip = (text: string): string => (text.length > maxErrorText ? `${text.slice(0, maxErrorText)}…` : text);
  const cause = error.cause === null ? null : clip(error.cause);
  return { ...error, message: clip(error.message), cause, remedy: clip(error.remedy) };
}

/** The `dead_letter` envelope of a buried delivery. Its id follows from (envelope, queue, epoch), so one burial has one notice. `now`: unix milliseconds. */
export function deadLetterNotice(buried: BuriedDelivery, error: AppError, now: number): Envelope {
  return {
    version: '1',
    id: derivedIdSync(`dead_letter/${buried.id}/${buried.queue}/${buried.epoch}`),
    sender: 'bus',
    recipient: engineQueue,
    envelope_type: 'dead_letter',
    payload: {
      queue: buried.queue,
      envelope_id: buried.id,
      envelope_type: buried.envelopeType,
      deliveries: buried.count,
      error,
    },
    context: buried.context,
    inReplyTo: buried.id,
    created_at: new Date(now).toISOString(),
  };
}
