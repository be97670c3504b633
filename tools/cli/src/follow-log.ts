import type { Company, LogChoice } from '@agentcompany/orchestrator';
import type { Context } from './context.ts';
import { cleanText } from './terminal/clean-text.ts';

/** A line longer than this is printed in pieces: a worker that never ends its line does not fill our memory. */
const longestLine = 65_536;

/**
 * Prints a worker's log line by line as it is written, until its attempt has an end or the person interrupts; the worker itself is
 * left alone. Resolves to the exit code.
 */
export async function followLog(context: Context, company: Company, runId: string, choice: LogChoice): Promise<number> {
  const stop = new AbortController();
  const release = context.io.onInterrupt(() => stop.abort());
  const print = (line: string): void =>
    context.json ? context.document({ version: 1, line }) : context.data(cleanText(line));
  let rest = '';
  try {
    for await (const piece of company.followLog(runId, { ...choice, signal: stop.signal })) {
      if (!piece.ok) return context.fail(piece.error);
      const lines = (rest + piece.value).split('\n');
      rest = lines.pop() ?? '';
      lines.forEach(print);
      if (rest.length > longestLine) print(rest);
      if (rest.length > longestLine) rest = '';
    }
  } finally {
    release();
  }
  if (rest !== '') print(rest);
  if (!stop.signal.aborted) return 0;
  const { cliErrors } = await import('./errors.ts');
  return context.fail(cliErrors.AC_INTERRUPTED({ detail: ': the worker itself is left alone' }));
}
