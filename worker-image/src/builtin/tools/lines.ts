/** Lines and characters that one answer shows. */
const limits = { lines: 2000, line: 2000, text: 49_152 } as const;

/** The lines of a text without their ends; a text that ends with a line end has no empty line after it. */
export function splitLines(text: string): readonly string[] {
  const lines = text.split(/\r?\n/);
  return lines.at(-1) === '' ? lines.slice(0, -1) : lines;
}

/** Lines `first` to `last` (from 1) with their numbers, cut where they are too many. */
export function numbered(lines: readonly string[], first: number, last: number): string {
  const shown: string[] = [];
  let length = 0;
  for (let number = first; number <= last; number += 1) {
    const line = lines[number - 1] ?? '';
    const cut = line.length > limits.line ? `${line.slice(0, limits.line)} [cut: ${line.length} characters]` : line;
    length += cut.length + 8;
    if (shown.length === limits.lines || length > limits.text) {
      return `${shown.join('\n')}\n[cut: of ${lines.length} lines in all; go on with start_line ${number}]`;
    }
    shown.push(`${String(number).padStart(6)}\t${cut}`);
  }
  return shown.join('\n');
}
