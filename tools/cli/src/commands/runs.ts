import type { Command } from 'commander';
import { positiveInteger } from '../operands.ts';
import { action, examples, type Session } from '../session.ts';
import { runLines, runTable } from '../terminal/run-lines.ts';

interface ListOptions {
  readonly state?: string;
  readonly project?: string;
  readonly limit?: number;
}

/** `runs list` and `runs show`. */
export function addRuns(program: Command, session: Session): void {
  const runs = program.command('runs').summary('list and show runs').description('Lists and shows runs.');
  const list = runs
    .command('list')
    .description('Lists runs, the newest first.')
    .option('--state <state>', 'only runs in this state')
    .option('-p, --project <id>', 'only runs of this project')
    .option('-n, --limit <n>', 'at most this many', positiveInteger)
    .action(
      action<ListOptions>(session, async (context, _, options) =>
        context.withRuns(async (company) => {
          const all = await company.listRuns();
          if (!all.ok) return context.fail(all.error);
          const shown = all.value
            .filter(
              (run) =>
                (options.state ?? run.state) === run.state && (options.project ?? run.project_id) === run.project_id,
            )
            .toSorted((left, right) => right.created_at.localeCompare(left.created_at))
            .slice(0, options.limit);
          if (context.json) context.document({ version: 1, runs: shown });
          else if (shown.length === 0)
            context.talk(
              all.value.length === 0 ? 'No runs. Start one with `agentcompany run`.' : 'No run is like that.',
            );
          else for (const line of runTable(shown, context.style, context.io.stdout.columns)) context.data(line);
          return 0;
        }),
      ),
    );
  examples(
    list,
    'agentcompany runs list --state needs_attention',
    'agentcompany runs list --json | jq .runs[0].run_id',
  );
  const show = runs
    .command('show')
    .description('Shows one run: its tasks, what it asks of you, what went wrong.')
    .argument('<run>', 'id of the run, or the beginning of it')
    .action(
      action(session, async (context, [id]) =>
        context.withCompany({}, async (company) => {
          const run = await company.showRun(id ?? '');
          if (!run.ok) return context.fail(run.error);
          if (context.json) context.document({ version: 1, run: run.value });
          else for (const line of runLines(run.value, context.style, context.io.stdout.columns)) context.data(line);
          return 0;
        }),
      ),
    );
  examples(show, 'agentcompany runs show 0198c5f2');
}
