import type { Company, RunView } from '@agentcompany/orchestrator';
import type { AppError, Result } from '@agentcompany/protocol';
import type { Command } from 'commander';
import type { Context } from '../context.ts';
import { shortId } from '../run-outcome.ts';
import { action, examples, type Session } from '../session.ts';

interface ApproveOptions {
  readonly reject?: true;
  readonly comment?: string;
  readonly approval?: string;
}

interface CancelOptions {
  readonly reason?: string;
}

/** Sends something to a run, and says who will act on it. */
async function steer(
  context: Context,
  id: string,
  done: string,
  send: (company: Company, run: RunView) => Promise<Result<undefined, AppError>>,
): Promise<number> {
  return context.withCompany({}, async (company) => {
    const run = await company.showRun(id);
    if (!run.ok) return context.fail(run.error);
    const sent = await send(company, run.value);
    if (!sent.ok) return context.fail(sent.error);
    if (context.json) context.document({ version: 1, run_id: run.value.run_id, requested: done });
    else context.data(`${shortId(run.value.run_id)} ${done}`);
    if ((await company.enginePid()) === null)
      context.talk('No engine is at work: `agentcompany resume` carries it out.');
    return 0;
  });
}

/** `approve`: answers what a run asks. */
export function addApprove(program: Command, session: Session): void {
  const command = program
    .command('approve')
    .summary('answer what a run asks for')
    .description(
      'Approves what a run waits for: its plan, or changes to protected paths. Look first: `agentcompany runs show RUN`.',
    )
    .argument('<run>', 'id of the run, or the beginning of it')
    .option('--reject', 'reject it')
    .option('-m, --comment <text>', 'why; it goes on record and to the next attempt')
    .option('--approval <id>', 'the approval that is meant; the oldest open one where absent')
    .action(
      action<ApproveOptions>(session, async (context, [id], options) => {
        const decision = options.reject === true ? 'reject' : 'approve';
        return steer(context, id ?? '', decision === 'approve' ? 'approved' : 'rejected', (company, run) =>
          company.answerApproval(run.run_id, {
            decision,
            comment: options.comment ?? '',
            ...(options.approval === undefined ? {} : { approvalId: options.approval }),
          }),
        );
      }),
    );
  examples(command, 'agentcompany approve 0198c5f2', 'agentcompany approve 0198c5f2 --reject -m "keep the old name"');
}

/** `cancel`: ends a run. */
export function addCancel(program: Command, session: Session): void {
  const command = program
    .command('cancel')
    .summary('end a run')
    .description('Ends a run: its containers stop, what was merged stays on its branch.')
    .argument('<run>', 'id of the run, or the beginning of it')
    .option('--reason <text>', 'why; it goes on record')
    .action(
      action<CancelOptions>(session, async (context, [id], options) =>
        steer(context, id ?? '', 'will be cancelled', (company, run) =>
          company.cancelRun(run.run_id, options.reason ?? ''),
        ),
      ),
    );
  examples(command, 'agentcompany cancel 0198c5f2 --reason "wrong branch"');
}

/** `pause`: nothing new starts. */
export function addPause(program: Command, session: Session): void {
  const command = program
    .command('pause')
    .summary('start nothing new in a run')
    .description('Pauses a run: what is under way ends, nothing new starts until `agentcompany resume RUN`.')
    .argument('<run>', 'id of the run, or the beginning of it')
    .action(
      action(session, async (context, [id]) =>
        steer(context, id ?? '', 'will pause', (company, run) => company.pauseRun(run.run_id)),
      ),
    );
  examples(command, 'agentcompany pause 0198c5f2');
}
