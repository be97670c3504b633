import type { Command } from 'commander';
import { followLog } from '../follow-log.ts';
import { positiveInteger } from '../operands.ts';
import { action, examples, type Session } from '../session.ts';
import { cleanText } from '../terminal/clean-text.ts';

interface LogsOptions {
  readonly task?: string;
  readonly attempt?: string;
  readonly maxBytes: number;
  readonly follow?: true;
}

const defaultBytes = 1_048_576;

/** `logs`: what a worker's container wrote. */
export function addLogs(program: Command, session: Session): void {
  const command = program
    .command('logs')
    .summary("print a worker's log")
    .description("Prints what the container of a task's latest attempt wrote. Control characters are left out.")
    .argument('<run>', 'id of the run, or the beginning of it')
    .option('-t, --task <task>', 'task of the run; the latest to start where absent')
    .option('--attempt <attempt>', 'one attempt, by its id')
    .option('-f, --follow', 'go on as it is written, until the attempt is over')
    .option('--max-bytes <n>', 'at most the last so many bytes', positiveInteger, defaultBytes)
    .action(
      action<LogsOptions>(session, async (context, [id], options) =>
        context.withCompany({}, async (company) => {
          const choice = {
            ...(options.task === undefined ? {} : { taskId: options.task }),
            ...(options.attempt === undefined ? {} : { attemptId: options.attempt }),
          };
          if (options.follow === true) return followLog(context, company, id ?? '', choice);
          const log = await company.workerLog(id ?? '', { ...choice, maxBytes: options.maxBytes });
          if (!log.ok) return context.fail(log.error);
          if (context.json) context.document({ version: 1, log: log.value });
          else if (log.value === '') context.talk('The log is empty.');
          else context.data(cleanText(log.value).replace(/\n$/, ''));
          return 0;
        }),
      ),
    );
  examples(command, 'agentcompany logs 0198c5f2 --task license-field', 'agentcompany logs 0198c5f2 --follow');
}
