import type { ApprovalRecord, Run, TaskRecord } from './records.ts';

/** The approval a task waits for, unanswered and not closed; null where it waits for none. */
export function openApproval(run: Run, task: TaskRecord): ApprovalRecord | null {
  const approval = run.approvals.get(task.approvalId ?? '');
  return approval !== undefined && isOpen(approval) ? approval : null;
}

export function isOpen(approval: ApprovalRecord): boolean {
  return approval.response === null && !approval.closed;
}

/** All that a person could answer now, oldest first. */
export function openApprovals(run: Run): readonly ApprovalRecord[] {
  return [...run.approvals.values()].filter(isOpen);
}

/** Nobody need answer any more: what was asked about has moved on. */
export function closeApproval(run: Run, approvalId: string | null): void {
  const approval = run.approvals.get(approvalId ?? '');
  if (approval !== undefined) approval.closed = true;
}
