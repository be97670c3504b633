import type { AppError } from './app-error.ts';

/** What every port returns: an expected failure is a value, an exception is a bug (DESIGN §4). */
export type Result<Value, Failure = AppError> =
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false; readonly error: Failure };

/** A success carrying `value`. */
export function success<Value>(value: Value): { readonly ok: true; readonly value: Value };
export function success(): { readonly ok: true; readonly value: undefined };
export function success(value?: unknown): unknown {
  return { ok: true, value };
}

/** A failure carrying `error`. */
export function failure<Failure>(error: Failure): { readonly ok: false; readonly error: Failure } {
  return { ok: false, error };
}

/**
 * The value of a result that cannot have failed unless the program is wrong.
 * Throws an `Error` whose `cause` is the failure: use it in tests and where a failure is a bug.
 */
export function unwrap<Value>(result: Result<Value, unknown>): Value {
  if (result.ok) return result.value;
  throw new Error(`unexpected failure: ${JSON.stringify(result.error)}`, { cause: result.error });
}
