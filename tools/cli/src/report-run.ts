import type { RunView } from '@agentcompany/orchestrator';
import type { AppError } from '@agentcompany/protocol';
import type { Context } from './context.ts';
import type { DriveEnd } from './drive-runs.ts';
import { runError, runExitCode, shortId } from './run-outcome.ts';
import { cleanLine } from './terminal/clean-text.ts';
import { costLine } from './terminal/cost-text.ts';
import { paintState } from './terminal/style.ts';

/** Prints how a run stands and where to look, and gives the exit code. */
export async function reportRun(context: Context, run: RunView): Promise<number> {
  if (context.json) context.document({ version: 1, run });
  else {
    context.data(
      `run           ${shortId(run.run_id)} ${paintState(context.style, run.state, run.state.replaceAll('_', ' '))}`,
    );
    const cost = costLine(run);
    if (cost !== null) context.data(`cost          ${cost}`);
    if (run.pull_request !== null) {
      const { number, branch, url } = run.pull_request;
      context.data(`pull request  #${number} ${cleanLine(url)}`);
      context.data(`branch        ${cleanLine(branch)}`);
      context.data(`changes       agentcompany pr show ${number} --project ${run.project_id}`);
    }
  }
  const error = await runError(run);
  if (error !== null) context.fail(error);
  return runExitCode(run, error);
}

/** `AC_TIMEOUT` with commands that fit one run or several. */
export async function timeoutError(runs: readonly string[], seconds: number): Promise<AppError> {
  const { cliErrors } = await import('./errors.ts');
  const [only, another] = runs.map(shortId);
  return only === undefined || another !== undefined
    ? cliErrors.AC_TIMEOUT({
        runs: `${runs.length} runs are`,
        seconds,
        resume: 'agentcompany resume',
        look: 'agentcompany status',
      })
    : cliErrors.AC_TIMEOUT({
        runs: `run ${only} is`,
        seconds,
        resume: `agentcompany resume ${only}`,
        look: `agentcompany runs show ${only}`,
      });
}

/** Reports the end of `driveRuns`; of several runs the worst exit code counts. */
export async function reportEnd(
  context: Context,
  end: DriveEnd,
  runs: readonly string[],
  timeoutSeconds: number | null,
): Promise<number> {
  if (end.kind === 'failed') return context.fail(end.error);
  if (end.kind === 'done') {
    let worst = 0;
    for (const run of end.runs)
      worst = Math.max(worst, run.ok ? await reportRun(context, run.value) : context.fail(run.error));
    return worst;
  }
  const { cliErrors } = await import('./errors.ts');
  const names = runs.map(shortId).join(' ');
  if (end.kind === 'timeout') return context.fail(await timeoutError(runs, timeoutSeconds ?? 0));
  return context.fail(cliErrors.AC_INTERRUPTED({ detail: end.cancelled ? `: ${names} will be cancelled` : '' }));
}
