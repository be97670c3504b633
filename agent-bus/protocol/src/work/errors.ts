import { errorCatalogue } from '../app-error.ts';

/** What a worker reports when its work did not succeed. */
export const workerErrors = errorCatalogue({
  AC_AGENT_ABSENT: {
    message: 'the image of the worker has no {agent}',
    remedy: 'Put it into the image: agentcompany image build --agent {agent}.',
    retry: 'never',
  },
  AC_CLONE_FAILED: {
    message: 'the worker could not check out {commit} from the mirror',
    remedy: 'Read the cause; the mirror must hold this commit and be readable by every user.',
    retry: 'later',
  },
  AC_WORKSPACE_FULL: {
    message: 'the workspace of the worker is full',
    remedy: 'Raise worker_memory_limit (the workspace lives in memory), or make the task write less.',
    retry: 'never',
  },
  AC_WORK_FAILED: {
    message: 'the command of the task ended with {how}',
    remedy: 'Read its output; correct the command, or what it worked on.',
    retry: 'later',
  },
  AC_WORK_TIMEOUT: {
    message: 'the command of the task did not end within {seconds} seconds',
    remedy: 'Give the task a longer timeout, or raise command_timeout.',
    retry: 'later',
  },
  AC_WORK_MEMORY: {
    message: 'the command of the task ran out of memory',
    remedy: 'Raise worker_memory_limit, or make the task smaller.',
    retry: 'later',
  },
  AC_WORK_PROCESSES: {
    message: 'the command of the task wanted more processes than a worker may have',
    remedy: 'Have it start fewer at once (build tools: fewer jobs); threads count too.',
    retry: 'later',
  },
  AC_WORK_PARTIAL: {
    message: 'the agent was not done after {turns} answers of its model',
    remedy:
      'The next attempt goes on where this one ended. Where it should not have to: raise max_turns of the agent, or make the task smaller.',
    retry: 'now',
  },
  AC_WORK_MODEL: {
    message: 'the agent got no answer from its model: {problem}',
    remedy: 'Read the cause and the log of the host; the next attempt goes on where this one ended.',
    retry: 'later',
  },
  AC_WORK_EMPTY: {
    message: 'the task changed nothing',
    remedy: 'Correct the command, or set allow_empty on a task that may change nothing.',
    retry: 'later',
  },
  AC_WORK_NOT_DESCENDANT: {
    message: 'the commit of the task does not descend from its base {commit}',
    remedy: 'The command must add commits to the one it was given, not rewrite history.',
    retry: 'later',
  },
  AC_WORK_GIT: {
    message: 'the worker could not {action}',
    remedy: 'Read the cause; the command may have damaged the repository it worked in.',
    retry: 'later',
  },
  AC_VERIFY_FAILED: {
    message: 'the check `{command}` ended with {how}',
    remedy: 'Read its output; the next attempt is given it.',
    retry: 'later',
  },
  AC_VERIFY_UNAVAILABLE: {
    message: 'the check `{command}` could not start: a tool it needs is not in the image of the worker',
    remedy:
      'Name an image for the project that has the tool (agentcompany project add --image, field image of projects.json).',
    retry: 'never',
  },
  AC_RESULT_REFUSED: {
    message: 'the host did not take the result: {problem}',
    remedy: 'Make the change of the task smaller, or read the log of the host.',
    retry: 'never',
  },
});
