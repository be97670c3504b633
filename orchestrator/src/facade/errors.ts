import { errorCatalogue } from '@agentcompany/protocol';

/** Errors of the facade's own questions. */
export const facadeErrors = errorCatalogue({
  AC_TASK_UNKNOWN: {
    message: 'run {run} has no task {task}',
    remedy: 'List its tasks with `agentcompany runs show {run}`.',
    retry: 'never',
  },
  AC_TASK_NOWHERE: {
    message: 'no run that is under way has a task {task}',
    remedy: 'List runs with `agentcompany runs list` and the tasks of one with `agentcompany runs show RUN`.',
    retry: 'never',
  },
  AC_TASK_AMBIGUOUS: {
    message: 'more than one run that is under way has a task {task}: {runs}',
    remedy: 'Name the run: `agentcompany tell {task} TEXT --run RUN`.',
    retry: 'never',
  },
  AC_NOTE_INVALID: {
    message: 'a note of {length} characters cannot be taken',
    remedy: 'Give a text of 1 to {maximum} characters.',
    retry: 'never',
  },
  AC_QUESTION_UNKNOWN: {
    message: 'no agent asks a question {question} that is open',
    remedy: 'List them with `agentcompany questions`; one that was answered, or whose task ended, is not open.',
    retry: 'never',
  },
  AC_QUESTION_AMBIGUOUS: {
    message: '{question} is the beginning of more than one question: {candidates}',
    remedy: 'Give more characters of the id.',
    retry: 'never',
  },
  AC_QUESTION_ANSWERED: {
    message: 'question {question} has its answer already',
    remedy: 'Read it with `agentcompany bus history`; the first answer stands.',
    retry: 'never',
  },
  AC_ANSWER_INVALID: {
    message: 'this is no answer: {problem}',
    remedy: 'Give a text of 1 to 16384 characters.',
    retry: 'never',
  },
  AC_LOG_NONE: {
    message: 'run {run} has no such log',
    remedy: 'List its attempts with `agentcompany runs show {run}`; a log appears when a worker starts.',
    retry: 'later',
  },
  AC_REPLAY_UNREADY: {
    message: 'run {run} cannot be carried out again: {problem}',
    remedy:
      'Replay a run that was published, failed or waits for a person, while its project and its records are there.',
    retry: 'never',
  },
  AC_REPLAY_FOLDER: {
    message: 'the replay cannot be kept in {folder}',
    remedy: 'Name a folder with --keep that does not exist yet, where you may write.',
    retry: 'never',
  },
  AC_RUN_OPEN: {
    message: 'run {run} has not ended ({state}): what is on record of it is needed',
    remedy: 'Let it end, or end it with `agentcompany cancel {run}`; then purge it.',
    retry: 'later',
  },
  AC_RUN_UNDELIVERED: {
    message: 'run {run} has deliveries that are not done ({pending})',
    remedy: 'Let `agentcompany engine` do what is left, then purge it.',
    retry: 'later',
  },
  AC_DEAD_LETTER_AMBIGUOUS: {
    message: '{id} is the beginning of more than one dead letter: {candidates}',
    remedy: 'Give more characters of the id.',
    retry: 'never',
  },
  AC_EXPORT_UNWRITABLE: {
    message: 'the export cannot be written to {file}',
    remedy: 'Name a file in a folder that exists and can be written, on a disk with room.',
    retry: 'never',
  },
  AC_EXPORT_CUT_SHORT: {
    message: 'the bus ended before its export did',
    remedy: 'Export again.',
    retry: 'later',
  },
  AC_IMPORT_UNREADABLE: {
    message: 'the export {file} cannot be read; nothing was imported',
    remedy: 'Name a file that `agentcompany bus export` wrote; its name ends in .gz only where it is compressed.',
    retry: 'never',
  },
  AC_IMAGE_NOT_BUILT: {
    message: 'the worker image has not been made on this machine',
    remedy: 'Run `npm run demo` in the checkout once: it makes the image; `agentcompany doctor` checks it.',
    retry: 'never',
  },
  AC_CLEAN_FAILED: {
    message: '{name} could not be removed',
    remedy: 'Read the cause; then clean again, or remove it by hand.',
    retry: 'later',
  },
});
