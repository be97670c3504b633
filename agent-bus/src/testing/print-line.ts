import { writeSync } from 'node:fs';

/** Prints a line of JSON before it returns: a process that is killed then has said all that it was told. */
export function printLine(line: Readonly<Record<string, unknown>>): void {
  const bytes = Buffer.from(`${JSON.stringify(line)}\n`);
  for (let written = 0; written < bytes.length;) written += writeSync(1, bytes, written);
}
