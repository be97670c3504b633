import path from 'node:path';
import type { PlanChange } from '@agentcompany/orchestrator';
import type { Plan, Result } from '@agentcompany/protocol';
import type { Command } from 'commander';
import type { Context } from '../context.ts';
import { readStaff } from '../plan-staff.ts';
import { needsPerson, shortId } from '../run-outcome.ts';
import { action, examples, type Session } from '../session.ts';
import { fit } from '../terminal/clean-text.ts';

interface ReviseOptions {
  readonly dryRun?: true;
  readonly reason?: string;
}

const maxPlanBytes = 4 * 1024 * 1024;

/** What changes, one line a task. */
function changeLines(change: PlanChange, width: number): readonly string[] {
  const line = (mark: string, taskId: string, words: string): string =>
    `${mark} ${taskId}${words === '' ? '' : `  ${fit(words, width - taskId.length - 4)}`}`;
  return [
    ...change.add.map(({ task_id, title }) => line('+', task_id, title)),
    ...change.change.map(({ task_id, title }) => line('~', task_id, title)),
    ...change.supersede.map(({ task_id, by, state }) =>
      line('!', task_id, `is ${state.replaceAll('_', ' ')}: cancelled, ${by} takes its place`),
    ),
    ...change.remove.map(({ task_id, state }) => line('-', task_id, `was ${state.replaceAll('_', ' ')}`)),
    ...(change.whole ? ['~ title, summary or checks of the whole'] : []),
  ];
}

async function readPlan(context: Context, file: string, projectId: string): Promise<Result<Plan>> {
  const staff = await readStaff(context, projectId);
  if (!staff.ok) return staff;
  const { loadPlanFile, parsePlan } = await import('@agentcompany/orchestrator/plan-file');
  if (file !== '-') return loadPlanFile(path.resolve(context.io.cwd, file), staff.value);
  const text = await context.io.readStdin(maxPlanBytes);
  return text.ok ? parsePlan(text.value, { name: 'standard input', folder: context.io.cwd }, staff.value) : text;
}

function talkOfWhatFollows(context: Context, change: PlanChange, hasEngine: boolean): void {
  const short = shortId(change.run_id);
  if (change.asks_approval) context.talk(`Nothing new begins before you approve it: agentcompany approve ${short}`);
  if (needsPerson(change.state)) context.talk(`The run waits for you: agentcompany resume ${short}`);
  else if (!hasEngine) context.talk('No engine is at work: `agentcompany resume` carries it out.');
}

/** `plan revise`: changes the plan of a run that is under way. */
export function addRevise(plan: Command, session: Session): void {
  const revise = plan
    .command('revise')
    .description(
      'Changes the plan of a run that is under way. The file holds the whole plan as it is to be: what has not started is changed as it is, what has started is cancelled and a new task takes its place, what is left out is removed, what is merged stays. Taken whole or not at all; `-` reads standard input.',
    )
    .argument('<run>', 'id of the run, or the beginning of it')
    .argument('<file>', 'plan file; begin with that of `agentcompany plan show RUN --file`')
    .option('--dry-run', 'say what would change, and change nothing')
    .option('-m, --reason <text>', 'why; it goes on record')
    .action(
      action<ReviseOptions>(session, async (context, [id = '', file = ''], { dryRun, reason }) =>
        context.withCompany({}, async (company) => {
          const run = await company.showRun(id);
          if (!run.ok) return context.fail(run.error);
          const wanted = await readPlan(context, file, run.value.project_id);
          if (!wanted.ok) return context.fail(wanted.error);
          const asked = { plan: wanted.value, reason: reason ?? '', dryRun: dryRun === true };
          const revised = await company.revisePlan(run.value.run_id, asked);
          if (!revised.ok) return context.fail(revised.error);
          const change = revised.value;
          if (context.json) context.document({ version: 1, ...change, taken: dryRun !== true });
          else for (const line of changeLines(change, context.io.stdout.columns)) context.data(line);
          if (dryRun === true) context.talk(`\nNothing was changed: this would be revision ${change.revision}.`);
          else {
            context.talk(`\nThe plan is changed: revision ${change.revision}.`);
            talkOfWhatFollows(context, change, (await company.enginePid()) !== null);
          }
          return 0;
        }),
      ),
    );
  examples(
    revise,
    'agentcompany plan show 0198c5f2 --file > plan.yaml',
    'agentcompany plan revise 0198c5f2 plan.yaml --dry-run',
  );
}
