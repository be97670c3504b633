import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CompanyHome } from '../company-home.ts';
import type { AttemptRecord, Run } from '../company/records.ts';
import { costView, type CostView } from '../company/view.ts';
import { runFolder } from './run-files.ts';

/**
 * Writes `execution_result.json` (one entry per attempt) and `summary.md` beside the run (C30). Both are projections of the
 * ledger for people and tools: written again whenever the run moves, never read back.
 */
export async function writeRunReport(home: CompanyHome, run: Run): Promise<void> {
  const folder = runFolder(home, run.id);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await replace(join(folder, 'execution_result.json'), `${JSON.stringify(executionResult(run), null, 2)}\n`);
  await replace(join(folder, 'summary.md'), summaryText(run));
}

async function replace(file: string, text: string): Promise<void> {
  await writeFile(`${file}.part`, text);
  await rename(`${file}.part`, file);
}

function executionResult(run: Run): Record<string, unknown> {
  return {
    version: 1,
    run_id: run.id,
    status: run.state,
    start_time: run.createdAt,
    end_time: run.updatedAt,
    git_branch: run.pullRequest?.branch ?? null,
    pull_request: run.pullRequest,
    budget: run.budget,
    cost: costView(run.spent),
    errors: run.error === null ? [] : [run.error],
    executions: [...run.attempts.values()].map((attempt) => execution(run, attempt)),
  };
}

function execution(run: Run, attempt: AttemptRecord): Record<string, unknown> {
  return {
    run_id: run.id,
    ticket_id: attempt.taskId,
    agent_id: attempt.slot,
    attempt_id: attempt.id,
    status: statusOf(attempt),
    start_time: attempt.startedAt,
    end_time: attempt.endedAt,
    artifacts: attempt.ingested?.changes.map(({ path, status }) => ({ path, status })) ?? [],
    git_branch: `refs/agentcompany/attempts/${attempt.id}`,
    quality_gates:
      attempt.result?.verify.map(({ command, exit_code: exitCode }) => ({ command, passed: exitCode === 0 })) ?? [],
    cost: attempt.account === null ? null : costView(attempt.account),
    errors: attempt.error === null ? [] : [attempt.error],
  };
}

function statusOf(attempt: AttemptRecord): 'success' | 'quality_failed' | 'error' | 'running' {
  if (attempt.endedAt === null) return 'running';
  if (attempt.error?.code === 'AC_VERIFY_FAILED' || attempt.review?.verdict === 'request_changes')
    return 'quality_failed';
  return attempt.review?.verdict === 'approve' ? 'success' : 'error';
}

function summaryText(run: Run): string {
  const tasks = [...run.tasks.values()];
  const lines = tasks.map((task) => {
    const error = task.error === null ? '' : `: ${task.error.code}: ${task.error.message}`;
    const successor = task.supersededBy === null ? '' : ` (superseded by ${task.supersededBy})`;
    return `- ${task.spec.id}: ${task.state}${successor}${error}`;
  });
  const result =
    run.pullRequest === null ? 'No pull request.' : `Pull request ${run.pullRequest.number}: ${run.pullRequest.url}`;
  const error = run.error === null ? '' : `\n${run.error.code}: ${run.error.message}\nRemedy: ${run.error.remedy}\n`;
  const cost = run.spent.length === 0 ? '' : `\n\n${costSentence(costView(run.spent))}`;
  return `# ${run.plan?.title ?? run.instruction}\n\nRun ${run.id}: ${run.state}\n${error}\n${result}${cost}\n\n## Tasks\n\n${lines.join('\n')}\n`;
}

function costSentence({ usd, calls, tokens, unpriced_calls: unpriced, estimated }: CostView): string {
  const dollars = `${estimated ? 'at most ' : ''}$${usd.toFixed(4)}`;
  return `Models: ${dollars} for ${calls} calls, ${tokens} tokens${unpriced === 0 ? '' : `; ${unpriced} calls have no price and are not in this sum`}.`;
}
