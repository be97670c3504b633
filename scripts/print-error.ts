import type { AppError } from '../agent-bus/protocol/src/app-error.ts';

/** An error as the two lines a person reads on a terminal. */
export function errorLines(error: AppError): string {
  return `${error.code}: ${error.message}\n  ${error.remedy}`;
}
