import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';

function lineOf(entry: unknown, name: string): string {
  const value: unknown = typeof entry === 'object' && entry !== null ? Reflect.get(entry, name) : undefined;
  return typeof value === 'string' ? value.trimEnd() : '';
}

/**
 * Reads the progress of an import or build to its end, one JSON object a line, and hands on what a person would read.
 * Rejects with the engine's own text when it reports an error midway, which it does after answering 200.
 */
export async function followImage(progress: NodeJS.ReadableStream, onLine: (line: string) => void): Promise<void> {
  const lines = createInterface({ input: Readable.from(progress), crlfDelay: Infinity });
  for await (const line of lines) {
    if (line.trim() === '') continue;
    const entry: unknown = JSON.parse(line);
    const problem = lineOf(entry, 'error');
    if (problem !== '') throw new Error(problem);
    const text = lineOf(entry, 'stream') || lineOf(entry, 'status');
    if (text !== '') onLine(text);
  }
}
