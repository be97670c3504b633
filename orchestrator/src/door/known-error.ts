import { workerErrors, type AppError, type ErrorEntry } from '@agentcompany/protocol';

const maximumMessage = 1000;
const maximumCause = 16_384;

/** Text of a worker's without what would steer a terminal, and not without end. */
function plain(text: string, length: number): string {
  return text.slice(0, length).replace(/[^\P{C}\n\t]/gu, ' ');
}

/**
 * A worker's error as it goes on record; null where no worker knows its code. What the worker saw is its own to tell; the remedy
 * a person is given, and whether another try can help, are ours: they steer people and runs. `told`: failures of models that the host
 * itself told this worker, by code; the worker may end with one of these, in the host's words.
 */
export function knownError(
  { code, message, cause }: AppError,
  told: ReadonlyMap<string, AppError> = new Map(),
): AppError | null {
  const entries: Readonly<Record<string, ErrorEntry>> = workerErrors.entries;
  const entry = Object.hasOwn(entries, code) ? entries[code] : undefined;
  if (entry === undefined) return told.get(code) ?? null;
  return {
    code,
    message: plain(message, maximumMessage),
    cause: cause === null ? null : plain(cause, maximumCause),
    remedy: entry.remedy,
    retry: entry.retry,
  };
}
