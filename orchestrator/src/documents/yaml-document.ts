import { LineCounter, parseDocument, isCollection, isMap, isNode, isPair, stringify, type Document } from 'yaml';

/** A parsed file: its value, and the line (from 1) a field stands on, null where it cannot be told. */
export interface YamlDocument {
  readonly value: unknown;
  readonly lineOf: (path: readonly PropertyKey[]) => number | null;
}

/** Text that is not YAML, with the line of the first fault. */
export class YamlSyntaxError extends Error {
  readonly line: number | null;
  constructor(message: string, line: number | null) {
    super(message);
    this.line = line;
  }
}

/** Aliases may multiply what they name by this much at most: nested aliases would otherwise fill the memory. */
const maxAliasCount = 100;

function offsetOf(document: Document, path: readonly PropertyKey[]): number | null {
  let node: unknown = document.contents;
  let offset = isNode(node) ? (node.range?.[0] ?? null) : null;
  for (const part of path) {
    if (isMap(node)) {
      const pair = node.items.find((item) => isPair(item) && String(item.key) === String(part));
      if (pair === undefined) return offset;
      offset = isNode(pair.key) ? (pair.key.range?.[0] ?? offset) : offset;
      node = pair.value;
      continue;
    }
    if (!isCollection(node)) return offset;
    node = node.get(part, true);
    if (!isNode(node)) return offset;
    offset = node.range?.[0] ?? offset;
  }
  return offset;
}

/** The first line of the parser's message, without the place, which is told with the file's name. */
function sayFault(message: string): string {
  return (message.split('\n')[0] ?? '').replace(/ at line \d+, column \d+:?$/, '');
}

/** Parses YAML 1.2 (of which JSON is a part). Throws `YamlSyntaxError`. */
export function parseYamlDocument(text: string): YamlDocument {
  const lines = new LineCounter();
  try {
    const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true, merge: false, strict: true });
    const fault = document.errors[0];
    if (fault !== undefined) throw new YamlSyntaxError(sayFault(fault.message), fault.linePos?.[0].line ?? null);
    if (document.contents === null) throw new YamlSyntaxError('it is empty', null);
    const value: unknown = document.toJS({ maxAliasCount });
    return {
      value,
      lineOf: (path) => {
        const offset = offsetOf(document, path);
        return offset === null ? null : lines.linePos(offset).line;
      },
    };
  } catch (cause) {
    if (cause instanceof YamlSyntaxError) throw cause;
    if (cause instanceof RangeError) throw new YamlSyntaxError('it is nested too deeply', null);
    if (cause instanceof ReferenceError) throw new YamlSyntaxError(cause.message, null);
    throw cause;
  }
}

/** A value as the text of a file that people read and change. */
export function yamlText(value: unknown): string {
  return stringify(value, { lineWidth: 100, aliasDuplicateObjects: false });
}
