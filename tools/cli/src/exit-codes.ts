/** What the process ends with; documented in docs/cli.md. */
export const exitCodes = {
  ok: 0,
  failed: 1,
  usage: 2,
  engineUnreachable: 3,
  setUp: 4,
  runFailed: 5,
  needsPerson: 6,
  budget: 7,
  timeout: 124,
  interrupted: 130,
} as const;
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** The first prefix that fits decides; all others end with 1. A prefix that is a whole code stands before the shorter ones. */
const table: readonly (readonly [prefix: string, code: ExitCode])[] = [
  ['AC_USAGE', exitCodes.usage],
  ['AC_INSTRUCTION_', exitCodes.usage],
  ['AC_INPUT_', exitCodes.usage],
  ['AC_PLAN_', exitCodes.usage],
  ['AC_RUN_AMBIGUOUS', exitCodes.usage],
  ['AC_PROJECT_UNNAMED', exitCodes.usage],
  ['AC_PROJECT_URL_REFUSED', exitCodes.usage],
  ['AC_PROJECT_INVALID', exitCodes.usage],
  ['AC_DEMO_PACKAGE_NAME', exitCodes.usage],
  ['AC_DEMO_REGISTRY_UNREACHABLE', exitCodes.setUp],
  ['AC_DEMO_INTERRUPTED', exitCodes.interrupted],
  ['AC_DEMO_FOLDER_FOREIGN', exitCodes.setUp],
  ['AC_ENGINE_RUNNING', exitCodes.engineUnreachable],
  ['AC_BUS_BUSY', exitCodes.engineUnreachable],
  ['AC_BUS_LEASE_HELD', exitCodes.engineUnreachable],
  ['AC_BUS_NETWORK_FS', exitCodes.setUp],
  ['AC_BUS_ADAPTER_', exitCodes.setUp],
  ['AC_NO_HOME', exitCodes.setUp],
  ['AC_HOME_', exitCodes.setUp],
  ['AC_CONFIG_', exitCodes.setUp],
  ['AC_PROJECT_', exitCodes.setUp],
  ['AC_PROJECTS_', exitCodes.setUp],
  ['AC_MODEL_UNAVAILABLE', exitCodes.setUp],
  ['AC_MODEL_NOT_CONFIGURED', exitCodes.setUp],
  ['AC_MODEL_NAME_', exitCodes.setUp],
  ['AC_MODEL_KEY_', exitCodes.setUp],
  ['AC_MODEL_ADDRESS_', exitCodes.setUp],
  ['AC_MODEL_ABSENT', exitCodes.setUp],
  ['AC_MODEL_SCRIPT_UNREADABLE', exitCodes.setUp],
  ['AC_NODE_', exitCodes.setUp],
  ['AC_GIT_ABSENT', exitCodes.setUp],
  ['AC_GIT_UNAVAILABLE', exitCodes.setUp],
  ['AC_GIT_CREDENTIALS', exitCodes.setUp],
  ['AC_GIT_TOO_OLD', exitCodes.setUp],
  ['AC_ENGINE_', exitCodes.setUp],
  ['AC_IMAGE_', exitCodes.setUp],
  ['AC_DOCTOR_FAILED', exitCodes.setUp],
  ['AC_RUN_NOT_SUCCESSFUL', exitCodes.runFailed],
  ['AC_RUN_NEEDS_PERSON', exitCodes.needsPerson],
  ['AC_BUDGET_', exitCodes.budget],
  ['AC_TIMEOUT', exitCodes.timeout],
  ['AC_INTERRUPTED', exitCodes.interrupted],
];

/** The exit code for an error code. */
export function exitCodeOf(errorCode: string): ExitCode {
  return table.find(([prefix]) => errorCode.startsWith(prefix))?.[1] ?? exitCodes.failed;
}
