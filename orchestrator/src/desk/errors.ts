import { errorCatalogue } from '@agentcompany/protocol';

/** What an agent is told of a host tool that could not do it. */
export const deskErrors = errorCatalogue({
  AC_TOOL_UNKNOWN: {
    message: 'there is no tool {tool}',
    remedy: 'Use one of the tools that are offered: {tools}.',
    retry: 'never',
  },
  AC_TOOL_INPUT: {
    message: 'the input of tool {tool} is wrong: {problem}',
    remedy: 'Call it again with an input of the form that its parameters describe.',
    retry: 'never',
  },
  AC_TOOL_ABORTED: {
    message: 'the call of tool {tool} was given up',
    remedy: 'Call it again if its answer is still needed.',
    retry: 'later',
  },
  AC_QUESTIONS_SPENT: {
    message: 'task {task} has asked {count} questions: no more are taken',
    remedy: 'Go on with your best judgement, and say what you assumed.',
    retry: 'never',
  },
});
