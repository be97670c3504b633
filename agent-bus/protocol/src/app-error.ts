import { z } from 'zod';

/** What the receiver of an error should do: repeat at once, after a while, or not at all. */
export const retryAdvice = z.enum(['now', 'later', 'never']);
export type RetryAdvice = z.infer<typeof retryAdvice>;

/**
 * An expected failure. It is plain data: it survives `structuredClone`, JSON and the wire.
 * `code` is stable and documented in docs/errors.md; `message` says what happened; `cause` what lay beneath
 * (text of an underlying error, null when there is none); `remedy` what the person can do.
 */
export const appErrorSchema = z.object({
  code: z.string().regex(/^AC_[A-Z0-9_]+$/),
  message: z.string(),
  cause: z.string().nullable(),
  remedy: z.string(),
  retry: retryAdvice,
});
export type AppError = z.infer<typeof appErrorSchema>;

/** One entry of a package's catalogue; `{name}` in a text is filled from the parameters. */
export interface ErrorEntry {
  readonly message: string;
  readonly remedy: string;
  readonly retry: RetryAdvice;
}

type Parameters = Readonly<Record<string, string | number>>;
type MakeError = (parameters?: Parameters, cause?: unknown) => AppError;
/** A catalogue: one maker per code, and the entries themselves for the documentation test. */
export type ErrorCatalogue<Code extends string> = Readonly<Record<Code, MakeError>> & {
  readonly entries: Readonly<Record<Code, ErrorEntry>>;
};

function fill(template: string, parameters: Parameters): string {
  return template.replace(/\{(\w+)\}/g, (whole, name: string) =>
    Object.hasOwn(parameters, name) ? String(parameters[name]) : whole,
  );
}

/** The text of whatever was thrown or given as a cause; null for nothing. */
export function causeText(cause: unknown): string | null {
  if (cause === undefined || cause === null) return null;
  if (cause instanceof Error) return cause.message;
  if (typeof cause === 'string') return cause;
  if (isAppError(cause)) return `${cause.code}: ${cause.message}`;
  return JSON.stringify(cause);
}

/** True for a value of the shape of an `AppError`, from whichever copy of this package. */
export function isAppError(value: unknown): value is AppError {
  return appErrorSchema.safeParse(value).success;
}

/**
 * Builds a package's error catalogue: `errors.AC_SOMETHING({ name: 'x' }, cause)` is an `AppError`
 * whose message and remedy are the entry's with `{name}` filled in.
 */
export function errorCatalogue<const Code extends string>(
  entries: Readonly<Record<Code, ErrorEntry>>,
): ErrorCatalogue<Code> {
  const makers = Object.fromEntries(
    Object.entries<ErrorEntry>(entries).map(([code, entry]) => [
      code,
      (parameters: Parameters = {}, cause?: unknown): AppError => ({
        code,
        message: fill(entry.message, parameters),
        cause: causeText(cause),
        remedy: fill(entry.remedy, parameters),
        retry: entry.retry,
      }),
    ]),
  ) as Record<Code, MakeError>;
  return Object.freeze({ ...makers, entries }) as ErrorCatalogue<Code>;
}
