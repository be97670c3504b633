import type { Command } from 'commander';
import { isOver, needsPerson, shortId } from '../run-outcome.ts';
import { action, examples, type Session } from '../session.ts';
import { runTable } from '../terminal/run-lines.ts';

const recentRuns = 10;

/** `status`: is an engine at work, what is under way, what ended lately. */
export function addStatus(program: Command, session: Session): void {
  const command = program
    .command('status')
    .summary('engine and runs at a glance')
    .description(`Says whether an engine is at work, and shows all open runs and the last ${recentRuns} others.`)
    .action(
      action(session, async (context) =>
        context.withRuns(async (company) => {
          const [runs, pid] = [await company.listRuns(), await company.enginePid()];
          if (!runs.ok) return context.fail(runs.error);
          const newest = runs.value.toSorted((left, right) => right.created_at.localeCompare(left.created_at));
          const open = newest.filter((run) => !isOver(run.state));
          const recent = newest.filter((run) => isOver(run.state)).slice(0, recentRuns);
          if (context.json) {
            context.document({
              version: 1,
              engine: { pid },
              total_runs: newest.length,
              open_runs: open,
              recent_runs: recent,
            });
            return 0;
          }
          context.data(pid === null ? 'engine  not at work' : `engine  at work, pid ${pid}`);
          context.data(`runs    ${open.length} open of ${newest.length}`);
          if (open.length + recent.length > 0) context.data('');
          if (open.length + recent.length > 0)
            for (const line of runTable([...open, ...recent], context.style, context.io.stdout.columns))
              context.data(line);
          const asking = open.filter((run) => needsPerson(run.state));
          if (asking.length > 0) context.talk('');
          for (const run of asking.slice(0, recentRuns))
            context.talk(`Waits for you: \`agentcompany runs show ${shortId(run.run_id)}\``);
          if (pid === null && open.length > asking.length) context.talk('\nGo on with `agentcompany resume`.');
          return 0;
        }),
      ),
    );
  examples(command, 'agentcompany status', 'agentcompany status --json | jq .engine.pid');
}
