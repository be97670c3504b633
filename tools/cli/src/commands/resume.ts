import type { Company, RunView } from '@agentcompany/orchestrator';
import type { AppError, Result } from '@agentcompany/protocol';
import type { Command } from 'commander';
import { driveRuns } from '../drive-runs.ts';
import { dollars, positiveInteger, waitingSeconds, wholeNumber } from '../operands.ts';
import { reportEnd } from '../report-run.ts';
import { isOver, shortId } from '../run-outcome.ts';
import { action, examples, type Session } from '../session.ts';

interface ResumeOptions {
  readonly timeout?: number;
  readonly maxWorkers?: number;
  readonly budget?: number;
  readonly budgetTokens?: number;
}

/** Lifts a pause, or gives tasks that wait for a person another attempt; a run that only lost its engine needs neither. */
const liftedStates = new Set(['paused', 'needs_attention']);

async function ended(run: RunView): Promise<AppError> {
  const { orchestratorErrors } = await import('@agentcompany/orchestrator/errors');
  return orchestratorErrors.AC_RUN_ENDED({ run: shortId(run.run_id), state: run.state });
}

async function noRun(): Promise<Result<never, AppError>> {
  const { cliErrors } = await import('../errors.ts');
  const problem = 'a budget is one run’s: name the run';
  return { ok: false, error: cliErrors.AC_USAGE({ problem, help: 'agentcompany resume --help' }) };
}

async function chooseRuns(
  company: Company,
  id: string | undefined,
  { budget, budgetTokens }: ResumeOptions,
): Promise<Result<readonly string[], AppError>> {
  const isRaised = budget !== undefined || budgetTokens !== undefined;
  if (id === undefined) return isRaised ? noRun() : company.openRuns();
  const run = await company.showRun(id);
  if (!run.ok) return run;
  if (isOver(run.value.state) && run.value.state !== 'published') return { ok: false, error: await ended(run.value) };
  const isLifted =
    liftedStates.has(run.value.state) || run.value.task_list.some((task) => task.state === 'awaiting_person');
  if (isLifted || isRaised) {
    const resumed = await company.resumeRun(run.value.run_id, {
      ...(budget === undefined ? {} : { budget_usd: budget }),
      ...(budgetTokens === undefined ? {} : { budget_tokens: budgetTokens }),
    });
    if (!resumed.ok) return resumed;
  }
  return { ok: true, value: [run.value.run_id] };
}

/** `resume`: goes on with open runs in this process. */
export function addResume(program: Command, session: Session): void {
  const command = program
    .command('resume')
    .summary('go on with open runs')
    .description(
      'Goes on with all open runs, or with one: after a crash, after Ctrl-C, after a pause, or when a run asked for you.',
    )
    .argument('[run]', 'id of the run, or the beginning of it; all open runs where absent')
    .option('--timeout <seconds>', 'stop waiting after this time, exit 124', waitingSeconds)
    .option('--max-workers <n>', 'containers at work at once', positiveInteger)
    .option('--budget <usd>', 'US dollars the models of the run may cost, from now on', dollars)
    .option('--budget-tokens <n>', 'tokens they may take, from now on', wholeNumber)
    .action(
      action<ResumeOptions>(session, async (context, [id], options) =>
        context.withCompany(
          options.maxWorkers === undefined ? {} : { max_workers: options.maxWorkers },
          async (company) => {
            const runs = await chooseRuns(company, id, options);
            if (!runs.ok) return context.fail(runs.error);
            if (runs.value.length === 0) {
              context.talk('No run is open.');
              return 0;
            }
            const timeoutSeconds = options.timeout ?? null;
            context.talk(
              runs.value.length === 1
                ? `Going on; what was before: \`agentcompany watch ${shortId(runs.value[0] ?? '')}\``
                : `Going on with ${runs.value.length} runs.`,
            );
            return reportEnd(
              context,
              await driveRuns(context, company, { runs: runs.value, timeoutSeconds, newOnly: true }),
              runs.value,
              timeoutSeconds,
            );
          },
        ),
      ),
    );
  examples(command, 'agentcompany resume', 'agentcompany resume 0198c5f2', 'agentcompany resume 0198c5f2 --budget 5');
}
