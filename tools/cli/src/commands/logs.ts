import type { Command } from 'commander';
import { positiveInteger } from '../operands.ts';
import { action, examples, type Session } from '../session.ts';
import { cleanText } from '../terminal/clean-text.ts';

interface LogsOptions {
  readonly task?: string;
  readonly attempt?: string;
  readonly maxBytes: number;
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
    .option('--max-bytes <n>', 'at most the last so many bytes', positiveInteger, defaultBytes)
    .action(
      action<LogsOptions>(session, async (context, [id], options) =>
        context.withCompany({}, async (company) => {
          const log = await company.workerLog(id ?? '', {
            ...(options.task === undefined ? {} : { taskId: options.task }),
            ...(options.attempt === undefined ? {} : { attemptId: options.attempt }),
            maxBytes: options.maxBytes,
          });
          if (!log.ok) return context.fail(log.error);
          if (context.json) context.document({ version: 1, log: log.value });
          else if (log.value === '') context.talk('The log is empty.');
          else context.data(cleanText(log.value).replace(/\n$/, ''));
          return 0;
        }),
      ),
    );
  examples(command, 'agentcompany logs 0198c5f2 --task license-field');
}
