import type { Company, WorkersView, WorkerView } from '@agentcompany/orchestrator';
import type { Command } from 'commander';
import type { Context } from '../context.ts';
import { followLog } from '../follow-log.ts';
import { shortId } from '../run-outcome.ts';
import { action, examples, type Session } from '../session.ts';
import { cleanLine } from '../terminal/clean-text.ts';
import { setAsideLines, workerTable } from '../terminal/worker-lines.ts';

function print(context: Context, { workers, set_aside: setAside }: WorkersView): void {
  if (workers.length === 0) context.talk('Nobody is at work.');
  else for (const line of workerTable(workers, context.style, context.io.stdout.columns)) context.data(line);
  for (const line of setAsideLines(setAside)) context.data(line);
}

/** `workers`: who is at work, and what is set aside. */
export function addWorkers(program: Command, session: Session): void {
  const command = program
    .command('workers')
    .summary('who is at work')
    .description(
      'Lists the workers of all open runs, and hosts and images that failed too often to be given work just now.',
    )
    .action(
      action(session, async (context) =>
        context.withCompany({}, async (company) => {
          const found = await company.listWorkers();
          if (!found.ok) return context.fail(found.error);
          if (context.json) context.document({ version: 1, ...found.value });
          else print(context, found.value);
          return 0;
        }),
      ),
    );
  examples(command, 'agentcompany workers', 'agentcompany workers --json | jq .set_aside');
}

/** The workers that `name` may mean: a slot such as worker-001, or an attempt by the beginning of its id. */
function matching(workers: readonly WorkerView[], name: string): readonly WorkerView[] {
  return workers.filter(({ slot, attempt_id }) => slot === name || (name !== '' && attempt_id.startsWith(name)));
}

async function attach(context: Context, company: Company, name: string): Promise<number> {
  const found = await company.listWorkers();
  if (!found.ok) return context.fail(found.error);
  const { workers } = found.value;
  const [worker, another] = matching(workers, name);
  const { cliErrors } = await import('../errors.ts');
  if (worker === undefined) {
    const atWork = workers.length === 0 ? 'nobody' : workers.map(({ slot }) => slot).join(', ');
    return context.fail(cliErrors.AC_WORKER_UNKNOWN({ worker: name, working: atWork }));
  }
  if (another !== undefined) {
    const candidates = matching(workers, name).map(({ attempt_id, host_id }) => `${attempt_id} on ${host_id}`);
    return context.fail(cliErrors.AC_WORKER_AMBIGUOUS({ worker: name, candidates: candidates.join(', ') }));
  }
  context.talk(`${worker.slot}: ${cleanLine(worker.title)}, task ${worker.task_id} of run ${shortId(worker.run_id)}`);
  context.talk('Read-only; Ctrl-C leaves the worker alone.');
  const code = await followLog(context, company, worker.run_id, { attemptId: worker.attempt_id });
  return code === 0 ? sayEnd(context, company, worker) : code;
}

async function sayEnd(context: Context, company: Company, worker: WorkerView): Promise<number> {
  const run = await company.showRun(worker.run_id);
  if (!run.ok) return context.fail(run.error);
  const attempts = run.value.task_list.flatMap((task) => task.attempts);
  const attempt = attempts.find(({ attempt_id: id }) => id === worker.attempt_id);
  const code = attempt?.error?.code;
  const why = code === undefined ? '' : `: ${code}`;
  context.talk(`${worker.slot}: the attempt is ${attempt?.state ?? 'over'}${why}`);
  return 0;
}

/** `attach`: looks over a worker's shoulder. */
export function addAttach(program: Command, session: Session): void {
  const command = program
    .command('attach')
    .summary("look over a worker's shoulder")
    .description(
      "Shows what a worker says from its beginning, and follows it to its end. Nothing can be typed: a worker has one door, and it is the company's. Say something to its agent with `agentcompany tell`.",
    )
    .argument('<worker>', "a worker such as worker-001, or the beginning of an attempt's id")
    .action(
      action(session, async (context, [name]) =>
        context.withCompany({}, (company) => attach(context, company, name ?? '')),
      ),
    );
  examples(command, 'agentcompany attach worker-001');
}
