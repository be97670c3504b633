// @ts-check

/**
 * A set-up step that could not be done, for a reason outside this program. It reaches the user as two lines,
 * `CODE: what happened` and `-> remedy`, and as an exit code (4: set-up).
 */
export class SetupFailure extends Error {
  /**
   * @param {string} code `AC_…`
   * @param {string} message what happened
   * @param {string} remedy what to do about it, where possible the exact line to run
   * @param {number} [exitCode]
   */
  constructor(code, message, remedy, exitCode = 4) {
    super(message);
    this.name = 'SetupFailure';
    this.code = code;
    this.remedy = remedy;
    this.exitCode = exitCode;
  }

  /** The text for standard error. @returns {string} */
  print() {
    return `${this.code}: ${this.message}\n  -> ${this.remedy}`;
  }
}

/**
 * The `code` of a Node system error (`ENOENT`, …), or an empty string.
 * @param {unknown} error
 * @returns {string}
 */
export function systemCode(error) {
  if (error === null || typeof error !== 'object' || !('code' in error)) return '';
  return typeof error.code === 'string' ? error.code : '';
}

/**
 * @param {unknown} error
 * @returns {string}
 */
export function messageOf(error) {
  return error instanceof Error ? error.message : String(error);
}
