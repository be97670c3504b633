import { parsePayload } from '@agentcompany/protocol';
import type { Company } from '../../company-facade.ts';
import type { Run } from '../../company/records.ts';

/** Gives each approval that is asked for the answer a person gave then; what nobody answered is rejected, as nobody will answer now. */
export async function answerAsRecorded(
  company: Company,
  runId: string,
  recorded: Run,
  signal: AbortSignal,
): Promise<void> {
  const answers = [...recorded.approvals.values()];
  for await (const { envelope } of company.timeline(runId, { after: 0, follow: true, signal })) {
    if (envelope.envelope_type !== 'approval_request') continue;
    const request = parsePayload('approval_request', envelope.payload);
    if (!request.ok) continue;
    const { approval_id: approvalId, subject, task_id: taskId } = request.value;
    const index = answers.findIndex(
      ({ request: { subject: about, task_id: task } }) => about === subject && task === taskId,
    );
    const [answer] = index < 0 ? [] : answers.splice(index, 1);
    const decision = answer?.response?.decision ?? 'reject';
    await company.answerApproval(runId, {
      approvalId,
      decision,
      comment: answer?.response?.comment ?? 'not on record',
    });
  }
}
