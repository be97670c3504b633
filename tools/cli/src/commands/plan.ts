import path from 'node:path';
import type { Company, TaskView } from '@agentcompany/orchestrator';
import type { Command } from 'commander';
import type { Context } from '../context.ts';
import { addRevise } from './plan-revise.ts';
import { estimateSentence, readEstimate } from '../plan-estimate.ts';
import { planLines } from '../plan-lines.ts';
import { readStaff } from '../plan-staff.ts';
import { action, examples, type Session } from '../session.ts';
import { cleanText, counted } from '../terminal/clean-text.ts';
import { noteLines } from '../terminal/note-lines.ts';
import { planMarkdown } from '../terminal/plan-markdown.ts';
import { paintState } from '../terminal/style.ts';
import { renderTable, type Column } from '../terminal/table.ts';

interface CheckOptions {
  readonly project?: string;
}

interface ShowOptions {
  readonly markdown?: true;
  readonly file?: true;
}

const maxPlanBytes = 4 * 1024 * 1024;

function addCheck(plan: Command, session: Session): void {
  const check = plan
    .command('check')
    .description('Checks a plan file without running anything; `-` reads standard input.')
    .argument('<file>', 'plan file, YAML or JSON (docs/plan-files.md)')
    .option('-p, --project <id>', 'project whose agent gets the tasks that name none')
    .action(
      action<CheckOptions>(session, async (context, [file = ''], { project }) => {
        const staff = await readStaff(context, project);
        if (!staff.ok) return context.fail(staff.error);
        const { loadPlanFile, parsePlan } = await import('@agentcompany/orchestrator/plan-file');
        const text = file === '-' ? await context.io.readStdin(maxPlanBytes) : null;
        if (text !== null && !text.ok) return context.fail(text.error);
        const checked =
          text === null
            ? loadPlanFile(path.resolve(context.io.cwd, file), staff.value)
            : parsePlan(text.value, { name: 'standard input', folder: context.io.cwd }, staff.value);
        if (!checked.ok) return context.fail(checked.error);
        const estimate = await readEstimate(context, checked.value);
        if (context.json)
          context.document({ version: 1, plan: checked.value, ...(estimate === null ? {} : { estimate }) });
        else for (const line of planLines(checked.value, context.io.stdout.columns)) context.data(line);
        context.talk(`\nThe plan is good: ${counted(checked.value.tasks.length, 'task')}.`);
        if (estimate !== null) context.talk(estimateSentence(estimate));
        return 0;
      }),
    );
  examples(check, 'agentcompany plan check plan.yaml');
}

/** The plan as it stands, as a file; with --json the plan alone. */
async function showFile(context: Context, company: Company, id: string): Promise<number> {
  const plan = await company.currentPlan(id);
  if (!plan.ok) return context.fail(plan.error);
  if (context.json) {
    context.document(plan.value);
    return 0;
  }
  const { writePlan } = await import('@agentcompany/orchestrator/plan-file');
  context.data(cleanText(writePlan(plan.value)).trimEnd());
  return 0;
}

function addShow(plan: Command, session: Session): void {
  const show = plan
    .command('show')
    .description('Shows the plan of a run as it stands: its tasks, what they wait for, their states.')
    .argument('<run>', 'id of the run, or the beginning of it')
    .option('--markdown', 'one section per task')
    .option('--file', 'as a plan file, to be changed and given to `agentcompany plan revise`')
    .action(
      action<ShowOptions>(session, async (context, [id], options) =>
        context.withCompany({}, async (company) => {
          const run = await company.showRun(id ?? '');
          if (!run.ok) return context.fail(run.error);
          if (options.file === true) return showFile(context, company, run.value.run_id);
          const columns: readonly Column<TaskView>[] = [
            { title: 'TASK', value: (task) => task.task_id },
            { title: 'AFTER', value: (task) => task.depends_on.join(' ') || '-' },
            {
              title: 'STATE',
              value: (task) => task.state.replaceAll('_', ' '),
              paint: (task, cell) => paintState(context.style, task.state, cell),
            },
            { title: 'TITLE', value: (task) => task.title, elastic: true },
          ];
          if (context.json)
            context.document({
              version: 1,
              run_id: run.value.run_id,
              plan_hash: run.value.plan_hash,
              plan_revision: run.value.plan_revision,
              tasks: run.value.task_list,
            });
          else if (options.markdown === true) context.data(planMarkdown(run.value));
          else if (run.value.task_list.length === 0) context.talk('The run has no plan yet.');
          else
            for (const line of [
              ...renderTable(run.value.task_list, columns, context.io.stdout.columns),
              ...noteLines(run.value, context.io.stdout.columns),
            ])
              context.data(line);
          return 0;
        }),
      ),
    );
  examples(show, 'agentcompany plan show 0198c5f2 --markdown > PLAN.md');
}

/** `plan check`, `plan show` and `plan revise`. */
export function addPlan(program: Command, session: Session): void {
  const plan = program
    .command('plan')
    .summary('check plan files, show and change plans')
    .description('Checks plan files; shows and changes plans of runs.');
  addCheck(plan, session);
  addShow(plan, session);
  addRevise(plan, session);
}
