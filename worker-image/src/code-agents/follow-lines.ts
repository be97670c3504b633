import { createInterface } from 'node:readline';
import type { AgentWatch, AgentWords } from './agent-launch.ts';
import type { AgentProcess } from './agent-process.ts';

/** What one line of an agent's event stream says. */
export interface LineMeaning {
  readonly tools?: readonly string[];
  readonly text?: string;
  /** Null: an earlier problem was overcome. */
  readonly problem?: string | null;
}

/** The value of a field of what is perhaps an object. */
export function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}

/** A field that is text, or nothing. */
export function textField(value: unknown, name: string): string | undefined {
  const found = field(value, name);
  return typeof found === 'string' ? found : undefined;
}

const lineCharacters = 4_194_304;

function parsed(line: string): unknown {
  if (line.length > lineCharacters) return null;
  try {
    return JSON.parse(line);
  } catch {
    return null;
  }
}

/** Gives an agent its prompt on its standard input, ends that, and reads its events, one JSON value a line. */
export async function followLines(
  agent: AgentProcess,
  prompt: string,
  watch: AgentWatch,
  meaningOf: (event: unknown) => LineMeaning,
): Promise<AgentWords> {
  agent.input.end(prompt);
  let words: AgentWords = { text: '', problem: null };
  const lines = createInterface({ input: agent.output, crlfDelay: Infinity });
  // One that could not be started has an output without an end.
  agent.output.once('close', () => lines.close());
  for await (const line of lines) {
    const { tools = [], text, problem } = meaningOf(parsed(line));
    for (const tool of tools) watch.onTool(tool);
    if (text !== undefined && text !== '' && text !== words.text) {
      watch.onText(text);
      words = { ...words, text };
    }
    if (problem !== undefined) words = { ...words, problem };
  }
  return words;
}
