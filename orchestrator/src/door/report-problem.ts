import type { WorkOrder, WorkReport } from '@agentcompany/protocol';

/** The checks of the order, each reported green, in order. A claim like all else: the tip is verified again in a fresh container. */
function areChecksGreen(order: WorkOrder, report: WorkReport): boolean {
  return (
    report.verify.length === order.verify.length &&
    report.verify.every(({ command, exit_code }, index) => command === order.verify[index] && exit_code === 0)
  );
}

/**
 * What makes a report impossible on its face, or null: a failure without an error, a success with one, work done without
 * an agent's report, a bundle or a commit, or with a check that is missing or red.
 */
export function reportProblem(order: WorkOrder, report: WorkReport, hasBundle: boolean): string | null {
  if (report.outcome === 'failed') return report.error === null ? 'a failure was reported without an error' : null;
  if (report.error !== null) return 'a success was reported with an error';
  if (!areChecksGreen(order, report)) return 'work was reported done with a check missing or red';
  if (order.kind === 'verify') return null;
  if (!hasBundle) return 'work was reported done without a bundle';
  if (report.agent === null) return 'work was reported done without what its agent did';
  return report.commit === null || report.tree === null ? 'work was reported done without a commit' : null;
}
