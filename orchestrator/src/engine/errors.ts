import { errorCatalogue } from '@agentcompany/protocol';

/** Errors of the engine's own machinery. */
export const engineErrors = errorCatalogue({
  AC_STREAM_UNKNOWN: {
    message: 'envelope {id} names run {run}, which does not exist',
    remedy: 'Nothing: the envelope is kept as a dead letter (`agentcompany doctor` counts them).',
    retry: 'never',
  },
  AC_READ_MODEL_FAILED: {
    message: 'the read model company.db cannot be read or written',
    remedy:
      'Make room on the disk that holds the company’s home; the ledger is whole, `agentcompany state rebuild` makes the model anew.',
    retry: 'later',
  },
  AC_REPORT_INCOMPLETE: {
    message: 'the worker reported success without a commit, a bundle or an account of its command',
    remedy: 'The task is tried again; if it happens again, look at its log: `agentcompany logs RUN --task TASK`.',
    retry: 'now',
  },
  AC_CHECKPOINT_STORE: {
    message: 'what a task’s next attempt could go on from could not be stored or read in {folder}',
    remedy:
      'Make room on the disk of the company home and check that it can be written; without it the next attempt begins anew.',
    retry: 'later',
  },
  AC_HOST_DIED: {
    message: 'the process that carried attempt {attempt} ended before its result was safe',
    remedy: 'Nothing: the task is carried out again.',
    retry: 'now',
  },
  AC_HOST_IMAGE: {
    message: 'a worker made from {image} ended before it began its work',
    remedy:
      'Look at what it said: `agentcompany logs RUN`. The image needs git and a glibc of its own; `agentcompany doctor` tries it.',
    retry: 'later',
  },
  AC_HOST_JOURNAL: {
    message: 'what the models of attempt {attempt} may cost cannot be put down beside the run',
    remedy: 'Make room on the disk that holds the home of this host; the task is carried out again.',
    retry: 'later',
  },
  AC_HOST_SET_ASIDE: {
    message: '{subject} failed {failures} times in a row (health {score} of 100) and is set aside',
    remedy:
      'Its work waits or goes to other hosts; one try is made every {seconds} s. The cause says what to mend; `agentcompany doctor` proves it.',
    retry: 'later',
  },
  AC_HOST_STOPPED: {
    message: 'the company was stopped while attempt {attempt} was at work',
    remedy: 'Go on with `agentcompany resume`.',
    retry: 'now',
  },
});
