import type { AppError, WorkOrder, WorkReport } from '@agentcompany/protocol';
import { knownError } from './known-error.ts';

/** The checks of the order, each reported green, in order. A claim like all else: the tip is verified again in a fresh container. */
function areChecksGreen(order: WorkOrder, report: WorkReport): boolean {
  return (
    report.verify.length === order.verify.length &&
    report.verify.every(({ command, exit_code }, index) => command === order.verify[index] && exit_code === 0)
  );
}

/** Characters of a command's output: a worker keeps 8 KiB of it. */
const maximumOutput = 16_384;

/** More than the order could bring: it would go on record, and to the next attempt. */
function excessOf(order: WorkOrder, report: WorkReport): string | null {
  if (report.verify.length > order.verify.length) return 'more checks were reported than ordered';
  if (report.verify.some(({ command }) => !order.verify.includes(command)))
    return 'a check was reported that nobody ordered';
  const commands = report.agent === null ? report.verify : [report.agent, ...report.verify];
  return commands.some(({ output }) => output.length > maximumOutput)
    ? 'a command was reported with too much output'
    : null;
}

function failureProblem({ error }: WorkReport, told: ReadonlyMap<string, AppError> | undefined): string | null {
  if (error === null) return 'a failure was reported without an error';
  return knownError(error, told) === null ? 'a failure was reported with an error that is none of a worker' : null;
}

function contradiction(
  order: WorkOrder,
  report: WorkReport,
  hasBundle: boolean,
  told: ReadonlyMap<string, AppError> | undefined,
): string | null {
  if (report.outcome === 'failed') return failureProblem(report, told);
  if (report.error !== null) return 'a success was reported with an error';
  if (!areChecksGreen(order, report)) return 'work was reported done with a check missing or red';
  if (order.kind !== 'task') return null;
  if (!hasBundle) return 'work was reported done without a bundle';
  if (report.agent === null) return 'work was reported done without what its agent did';
  return report.commit === null || report.tree === null ? 'work was reported done without a commit' : null;
}

/**
 * What makes a report impossible on its face, or null: a failure without an error, a success with one, work done without
 * an agent's report, a bundle or a commit, or with a check that is missing or red, or more than the order could bring. `told`: see
 * `knownError`.
 */
export function reportProblem(
  order: WorkOrder,
  report: WorkReport,
  hasBundle: boolean,
  told?: ReadonlyMap<string, AppError>,
): string | null {
  return contradiction(order, report, hasBundle, told) ?? excessOf(order, report);
}
