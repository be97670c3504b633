import { appendFileSync, renameSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { CompanyHome } from '../company-home.ts';
import type { Log } from './log.ts';

/** Bytes after which the log is set aside as `.old`, replacing the one before: two of them are all there ever is. */
const maximumBytes = 4 * 1024 ** 2;

/** Where the engine of a home notes what went wrong beside the ledger. */
export function engineLogFile(home: CompanyHome): string {
  return join(dirname(home.configFile), 'engine.log');
}

/** One JSON object a line. What cannot be noted, on a full disk for instance, is left out: no work fails for want of its log. */
export function fileLog(file: string, limit: number = maximumBytes): Log {
  return (event, details) => {
    try {
      if ((statSync(file, { throwIfNoEntry: false })?.size ?? 0) >= limit) renameSync(file, `${file}.old`);
      appendFileSync(file, `${JSON.stringify({ time: new Date().toISOString(), event, ...details })}\n`, {
        mode: 0o600,
      });
    } catch {
      // See above: the ledger has the outcome.
    }
  };
}
