import { randomBytes } from 'node:crypto';
import { newId, type Envelope } from '@agentcompany/protocol';

/** What every message measures as JSON, in bytes: for us, for the peers and for the floors alike. */
export const messageBytes = 1024;
/** The queue of all messages. */
export const benchQueue = 'bench';

function envelopeWith(text: string, runId: string): Envelope {
  return {
    version: '1',
    id: newId(),
    sender: 'bench',
    recipient: benchQueue,
    envelope_type: 'task_note',
    payload: { text },
    context: { run_id: runId },
    inReplyTo: null,
    created_at: new Date().toISOString(),
  };
}

/** `count` envelopes of one run, each of exactly `messageBytes` as JSON, each with other text. */
export function makeMessages(count: number): readonly Envelope[] {
  const runId = newId();
  const length = messageBytes - Buffer.byteLength(JSON.stringify(envelopeWith('', runId)));
  return Array.from({ length: count }, () =>
    envelopeWith(randomBytes(length).toString('base64').slice(0, length), runId),
  );
}

/** The same messages in batches of `size`. */
export function inBatches<Item>(items: readonly Item[], size: number): readonly (readonly Item[])[] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, index) =>
    items.slice(index * size, (index + 1) * size),
  );
}
