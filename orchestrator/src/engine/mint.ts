import type { OutgoingItem } from '@agentcompany/agent-bus';
import { derivedId, type Envelope } from '@agentcompany/protocol';
import type { Draft } from '../company/decide/draft.ts';

/** Where drafts come from: `cause` is the id that their own ids derive from, so that deciding again sends the same ids. */
export interface Origin {
  readonly sender: string;
  readonly runId: string;
  readonly cause: string;
  readonly inReplyTo: string | null;
}

/** Gives drafts their ids ("decision n of envelope e", DESIGN §3) and times. */
export function mint(drafts: readonly Draft[], origin: Origin): Promise<OutgoingItem[]> {
  const now = new Date().toISOString();
  return Promise.all(drafts.map((draft, index) => mintOne(draft, origin, now, index)));
}

async function mintOne(draft: Draft, origin: Origin, now: string, index: number): Promise<OutgoingItem> {
  const envelope: Envelope = {
    version: '1',
    id: await derivedId(`decision ${index} of ${origin.cause}`),
    sender: origin.sender,
    recipient: draft.recipient,
    envelope_type: draft.type,
    payload: { ...draft.payload },
    context: {
      run_id: origin.runId,
      ...(draft.taskId === null ? {} : { task_id: draft.taskId }),
      ...(draft.attemptId === null ? {} : { attempt_id: draft.attemptId }),
    },
    inReplyTo: origin.inReplyTo,
    created_at: now,
  };
  const notBefore = draft.notBefore === null ? {} : { notBefore: Date.parse(draft.notBefore) };
  return { envelope, queue: draft.queue, ...notBefore };
}
