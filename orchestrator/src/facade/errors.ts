import { errorCatalogue } from '@agentcompany/protocol';

/** Errors of the facade's own questions. */
export const facadeErrors = errorCatalogue({
  AC_TASK_UNKNOWN: {
    message: 'run {run} has no task {task}',
    remedy: 'List its tasks with `agentcompany runs show {run}`.',
    retry: 'never',
  },
  AC_LOG_NONE: {
    message: 'run {run} has no such log',
    remedy: 'List its attempts with `agentcompany runs show {run}`; a log appears when a worker starts.',
    retry: 'later',
  },
  AC_IMAGE_NOT_BUILT: {
    message: 'the worker image has not been made on this machine',
    remedy: 'Run `npm run demo` in the checkout once: it makes the image; `agentcompany doctor` checks it.',
    retry: 'never',
  },
});
