import { parsePayload, type Envelope } from '@agentcompany/protocol';
import type { Company } from '../../company-facade.ts';
import type { ApprovalRecord } from '../../company/records.ts';
import { readAnswers, RecordedAnswers } from './recorded-answers.ts';
import type { RecordedRun } from './recorded-run.ts';

/** Says to each approval and to each question of an agent what a person said then. */
export async function answerAsRecorded(
  company: Company,
  runId: string,
  { run, entries }: Pick<RecordedRun, 'run' | 'entries'>,
  signal: AbortSignal,
): Promise<void> {
  const approvals = [...run.approvals.values()];
  const answers = new RecordedAnswers(readAnswers(entries));
  for await (const { envelope } of company.timeline(runId, { after: 0, follow: true, signal })) {
    if (envelope.envelope_type === 'approval_request') await answerApproval(company, runId, envelope, approvals);
    const due = answers.note(envelope);
    if (due !== null) await company.answerQuestion(due.questionId, due.text);
  }
}

/** What nobody answered then is rejected, as nobody will answer now. */
async function answerApproval(
  company: Company,
  runId: string,
  envelope: Envelope,
  recorded: ApprovalRecord[],
): Promise<void> {
  const request = parsePayload('approval_request', envelope.payload);
  if (!request.ok) return;
  const { approval_id: approvalId, subject, task_id: taskId } = request.value;
  const index = recorded.findIndex(
    ({ request: { subject: about, task_id: task } }) => about === subject && task === taskId,
  );
  const [answer] = index < 0 ? [] : recorded.splice(index, 1);
  const decision = answer?.response?.decision ?? 'reject';
  const comment = answer?.response?.comment ?? 'not on record';
  await company.answerApproval(runId, { approvalId, decision, comment });
}
