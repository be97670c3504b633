import type { Command } from 'commander';
import { shortId } from '../run-outcome.ts';
import { action, examples, type Session } from '../session.ts';

interface TellOptions {
  readonly run?: string;
}

/** `tell`: something more for whoever works on a task. */
export function addTell(program: Command, session: Session): void {
  const command = program
    .command('tell')
    .summary('tell whoever works on a task something more')
    .description(
      'Tells the agent that works on a task something more. One at work hears it before its next turn, or after the current one where it is a code agent; else the next attempt hears it. It stays on record. A task that a command carries out hears nothing.',
    )
    .argument('<task>', 'id of the task')
    .argument('<text>', 'what it is to know, at most 4000 characters')
    .option('-r, --run <id>', 'the run it belongs to; the one open run that has such a task where absent')
    .action(
      action<TellOptions>(session, async (context, [taskId = '', note = ''], { run }) =>
        context.withCompany({}, async (company) => {
          const told = await company.tellTask({ taskId, note, ...(run === undefined ? {} : { runId: run }) });
          if (!told.ok) return context.fail(told.error);
          const { run_id, task_id, heard } = told.value;
          if (context.json) context.document({ version: 1, ...told.value });
          else context.data(`task ${task_id} of run ${shortId(run_id)} hears it ${heard}`);
          if ((await company.enginePid()) === null)
            context.talk('No engine is at work: `agentcompany resume` carries the run on.');
          return 0;
        }),
      ),
    );
  examples(
    command,
    'agentcompany tell license "also name it in the readme"',
    'agentcompany tell license "in English" --run 0198c5f2',
  );
}
