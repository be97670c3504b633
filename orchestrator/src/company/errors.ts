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
  AC_REVISION_UNTIMELY: {
    message: 'the plan of run {run} cannot be changed now: {why}',
    remedy:
      'See `agentcompany runs show RUN`. A plan can be changed from when it stands until all its tasks are merged; what was changed meanwhile is in `agentcompany plan show RUN`.',
    retry: 'later',
  },
  AC_REVISION_EMPTY: {
    message: 'nothing would change in the plan of run {run}',
    remedy: 'Compare your file with `agentcompany plan show RUN --file`.',
    retry: 'never',
  },
  AC_REVISION_NAME_TAKEN: {
    message: 'the run has had a task {task} already, so no new one can have its name',
    remedy: 'Give the new task another id.',
    retry: 'never',
  },
  AC_REVISION_TASK_UNKNOWN: {
    message: 'the change of the plan names task {task}, which does not exist or is named twice',
    remedy: 'Use the ids of `agentcompany plan show RUN`, each once.',
    retry: 'never',
  },
  AC_REVISION_STARTED: {
    message: 'task {task} has started meanwhile: it cannot be changed as it is',
    remedy: 'Ask for the change again: the task is then superseded by a new one.',
    retry: 'now',
  },
  AC_REVISION_ENDED: {
    message: 'task {task} is {state}: it stays as it is',
    remedy:
      'Leave it as `agentcompany plan show RUN --file` gives it, and put what is wanted besides into a task with a new id.',
    retry: 'never',
  },
  AC_REVISION_MERGING: {
    message: 'task {task} is being merged at this moment',
    remedy: 'Wait until it is merged, and put what is wanted besides into a new task.',
    retry: 'later',
  },
  AC_REVISION_REJECTED: {
    message: 'the changed plan was rejected: {comment}',
    remedy:
      'Change the plan again with `agentcompany plan revise RUN FILE` and then `agentcompany resume RUN`, or cancel the run.',
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
  AC_REVIEW_UNAVAILABLE: {
    message: 'no model could review task {task}: {reason}',
    remedy:
      'Look at the change (`agentcompany runs show RUN`) and answer in place of the model: `agentcompany approve RUN`, with `--reject` to refuse it.',
    retry: 'never',
  },
  AC_REVIEW_ROUNDS: {
    message: 'task {task} was sent back {rounds} times and is still not right: {findings}',
    remedy:
      'Read the findings with `agentcompany runs show RUN`, then `agentcompany resume RUN` for another try, or cancel it.',
    retry: 'never',
  },
  AC_WORKER_QUIET: {
    message: 'the worker of task {task} stood still for more than {seconds} s; last it said: {status}',
    remedy:
      'Read `agentcompany logs RUN --task {task}`. If its work needs to be silent for longer, raise `quiet_seconds`, or give the task a `timeout`.',
    retry: 'now',
  },
  AC_TASK_ATTEMPTS: {
    message: 'task {task} failed {attempts} times, last with {code}: {message}',
    remedy: 'Read `agentcompany logs RUN --task {task}`, then `agentcompany resume RUN` for another try, or cancel it.',
    retry: 'never',
  },
  AC_TASK_TRIAGED: {
    message:
      'the Manager asks for a person about task {task}: {reason} It failed {attempts} times, last with {code}: {message}',
    remedy:
      'Read `agentcompany logs RUN --task {task}`; then `agentcompany resume RUN` for another try, or change the plan with `agentcompany plan revise`.',
    retry: 'never',
  },
  AC_NOTE_TASK_ENDED: {
    message: 'nobody works on task {task} any more: it is {state}',
    remedy: 'Put what is wanted besides into a new task: `agentcompany plan revise`.',
    retry: 'never',
  },
  AC_NOTE_UNREAD: {
    message: 'task {task} is carried out by a command, and nobody reads notes there',
    remedy: 'Change what it runs with `agentcompany plan revise`.',
    retry: 'never',
  },
  AC_NOTES_SPENT: {
    message: 'task {task} was told {count} things already: no more are taken',
    remedy: 'Put what is wanted besides into a new task: `agentcompany plan revise`.',
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
  AC_OUTGOING_SECRET: {
    message: 'nothing was published, for {where} holds {what}',
    remedy:
      'Look at it; if it is a secret, replace that secret, take it out of the plan or the repository, and start a new run.',
    retry: 'never',
  },
  AC_STEP_UNDELIVERABLE: {
    message: 'a step of the run could not be carried out: {message}',
    remedy: 'Run `agentcompany doctor`, mend what it names, then `agentcompany resume RUN`.',
    retry: 'never',
  },
});
