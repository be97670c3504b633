import { failure, success, type Result } from '@agentcompany/protocol';

/** A text after a change, and the lines (from 1) that the change covers. */
interface Change {
  readonly text: string;
  readonly firstLine: number;
  readonly lastLine: number;
}
export type Edited = Result<Change, string>;

/** What is written into a file whose lines end with CRLF has such ends too: models write LF. */
function withLineEndsOf(text: string, added: string): string {
  const usesCarriageReturns = text.includes('\r\n') && !/[^\r]\n/.test(text);
  return usesCarriageReturns ? added.replace(/\r?\n/g, '\r\n') : added;
}

function countLines(text: string): number {
  return text.split('\n').length;
}

/** Replaces the one occurrence of `oldText`. */
export function editByText(text: string, oldText: string, newText: string): Edited {
  const wanted = withLineEndsOf(text, oldText);
  const start = text.indexOf(wanted);
  if (start === -1) return failure('old_text does not occur in it');
  if (text.includes(wanted, start + 1))
    return failure('old_text occurs more than once; give more of what is around it');
  const added = withLineEndsOf(text, newText);
  const firstLine = countLines(text.slice(0, start));
  return success({
    text: text.slice(0, start) + added + text.slice(start + wanted.length),
    firstLine,
    lastLine: firstLine + countLines(added) - 1,
  });
}

/** Where each line begins; the last entry is the end of the text. */
function lineStarts(text: string): readonly number[] {
  const starts = [0];
  for (let end = text.indexOf('\n'); end !== -1; end = text.indexOf('\n', end + 1)) starts.push(end + 1);
  if (starts.at(-1) !== text.length) starts.push(text.length);
  return starts;
}

/** Replaces lines `start` to `end`, counted from 1. Line 0, and what is past the end, is refused (C25). */
export function editByLines(text: string, start: number, end: number, newText: string): Edited {
  const starts = lineStarts(text);
  const count = starts.length - 1;
  if (start < 1) return failure(`there is no line ${start}: the first one is 1`);
  if (end < start) return failure(`end_line ${end} is before start_line ${start}`);
  if (end > count) return failure(`there is no line ${end}: the last one is ${count}`);
  const rest = text.slice(starts[end]);
  const added = withLineEndsOf(text, newText);
  const replaced = text.slice(starts[start - 1], starts[end]);
  const needsEnd = added !== '' && !added.endsWith('\n') && replaced.endsWith('\n');
  const whole = needsEnd ? `${added}${replaced.endsWith('\r\n') ? '\r\n' : '\n'}` : added;
  const covered = Math.max(1, countLines(whole) - (whole.endsWith('\n') ? 1 : 0));
  return success({
    text: text.slice(0, starts[start - 1]) + whole + rest,
    firstLine: start,
    lastLine: start + covered - 1,
  });
}
