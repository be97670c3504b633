import { parsePayload, type Envelope, type PayloadOf } from '@agentcompany/protocol';

type Request = PayloadOf<'approval_request'>;

/** What a person said to an approval. */
export interface RecordedDecision {
  readonly decision: 'approve' | 'reject';
  readonly comment: string;
  /** Its place among the entries: what people did before comes before it. */
  readonly at: number;
}

/** The decisions in a ledger, given to the approvals of the same subject and task in their order. */
export class RecordedApprovals {
  readonly #left: { readonly request: Request; readonly decision: RecordedDecision }[];

  constructor(entries: readonly Envelope[]) {
    const responses = new Map<string, RecordedDecision>();
    for (const [at, { envelope_type: type, payload }] of entries.entries()) {
      const response = type === 'approval_response' ? parsePayload('approval_response', payload) : null;
      if (response?.ok !== true || responses.has(response.value.approval_id)) continue;
      const { approval_id: id, decision, comment } = response.value;
      responses.set(id, { decision, comment, at });
    }
    this.#left = entries.flatMap(({ envelope_type: type, payload }) => {
      const request = type === 'approval_request' ? parsePayload('approval_request', payload) : null;
      if (request?.ok !== true) return [];
      return [{ request: request.value, decision: responses.get(request.value.approval_id) ?? unanswered }];
    });
  }

  /** The decision that is next for this subject and task; what nobody answered is rejected, once nothing else can become of it. */
  next({ subject, task_id: taskId }: Pick<Request, 'subject' | 'task_id'>): RecordedDecision {
    const index = this.#left.findIndex(({ request }) => request.subject === subject && request.task_id === taskId);
    const [found] = index < 0 ? [] : this.#left.splice(index, 1);
    return found?.decision ?? unanswered;
  }
}

/** Nobody will answer now either; but a change of the plan, or another try, may take its place. */
const unanswered: RecordedDecision = { decision: 'reject', comment: 'not on record', at: Number.POSITIVE_INFINITY };
