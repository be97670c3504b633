import { errorCatalogue } from '@agentcompany/protocol';

/** Errors that decisions themselves give. */
export const companyErrors = errorCatalogue({
  AC_AGENT_UNKNOWN: {
    message: 'no agent is called {agent}{suggestion}{where}',
    remedy: 'See agentcompany agents list for those there are; command is the one that needs no definition.',
    retry: 'never',
  },
  AC_PLAN_MISSING: {
    message: 'no plan was given and no model is configured to make one',
    remedy: 'Give a plan file: `agentcompany run --plan FILE`.',
    retry: 'never',
  },
  AC_PLAN_REJECTED: {
    message: 'the plan was rejected: {comment}',
    remedy: 'Change the plan file and start a new run.',
    retry: 'never',
  },
  AC_APPROVAL_REFUSED: {
    message: 'the result was rejected: {comment}',
    remedy: 'Change the task and start a new run, or cancel this one.',
    retry: 'never',
  },
  AC_APPROVAL_LAPSED: {
    message: 'nobody answered the approval before {expires}',
    remedy: 'Run `agentcompany resume RUN` to be asked again, or cancel the run.',
    retry: 'never',
  },
  AC_PATHS_PROTECTED: {
    message: 'task {task} changes protected paths: {paths}',
    remedy: 'Set approvals.protected_paths to "person" to be asked, or keep these paths out of the task.',
    retry: 'never',
  },
  AC_REVIEW_REJECTED: {
    message: 'the reviewer rejected task {task}: {findings}',
    remedy: 'Read the findings with `agentcompany runs show RUN`, change the task, and start a new run.',
    retry: 'never',
  },
  AC_REVIEW_ROUNDS: {
    message: 'task {task} was sent back {rounds} times and is still not right: {findings}',
    remedy:
      'Read the findings with `agentcompany runs show RUN`, then `agentcompany resume RUN` for another try, or cancel it.',
    retry: 'never',
  },
  AC_TASK_ATTEMPTS: {
    message: 'task {task} failed {attempts} times, last with {code}: {message}',
    remedy: 'Read `agentcompany logs RUN --task {task}`, then `agentcompany resume RUN` for another try, or cancel it.',
    retry: 'never',
  },
  AC_RUN_STUCK: {
    message: 'nothing can move without a person: {tasks}',
    remedy:
      'Look at `agentcompany runs show RUN`, then `agentcompany resume RUN` for another try, or `agentcompany cancel RUN`.',
    retry: 'never',
  },
  AC_MERGE_CONFLICT: {
    message: 'task {task} conflicts with what was merged before it, in {paths}',
    remedy: 'Resolve it by hand on the run branch or change the plan, then `agentcompany resume RUN`.',
    retry: 'never',
  },
  AC_BASE_CONFLICT: {
    message: 'the base branch moved on and conflicts with the result in {paths}',
    remedy: 'Start a new run on the new base, or merge the run branch by hand.',
    retry: 'never',
  },
  AC_BASE_MOVING: {
    message: 'the base branch moved {rounds} times while the result was being verified',
    remedy: 'Run `agentcompany resume RUN` when the base branch is quiet.',
    retry: 'never',
  },
  AC_BASE_RED: {
    message: 'the checks fail on the base itself, without any of this run’s work',
    remedy: 'Mend the base branch, then start a new run.',
    retry: 'never',
  },
  AC_VERIFICATION_RED: {
    message: 'the joined result fails its checks and {rounds} repairs did not help',
    remedy: 'Read the checks in `agentcompany runs show RUN`, then `agentcompany resume RUN`, or cancel it.',
    retry: 'never',
  },
  AC_STEP_UNDELIVERABLE: {
    message: 'a step of the run could not be carried out: {message}',
    remedy: 'Run `agentcompany doctor`, mend what it names, then `agentcompany resume RUN`.',
    retry: 'never',
  },
});
