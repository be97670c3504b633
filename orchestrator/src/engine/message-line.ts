import type { StreamEntry } from '@agentcompany/agent-bus';

/** Characters of a payload's JSON that a line shows. */
const shownPayload = 4000;

/** What is neither seen nor harmless in a terminal: controls beyond ASCII's, which JSON escapes itself, and marks of direction. */
const unseen = /[\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;

function escape(text: string): string {
  return text.replace(unseen, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/**
 * One envelope as a line for people: `[ISO] TASK_ASSIGN a -> b | {…}`. The object holds where the envelope stands on the bus, its id
 * and context, and its payload, or as `payload_begin` the beginning of one that is long.
 */
export function messageLine({ stream, seq, position, envelope }: StreamEntry): string {
  const { id, sender, recipient, envelope_type: type, context, payload, created_at: time } = envelope;
  const text = JSON.stringify(payload);
  const content = text.length <= shownPayload ? { payload } : { payload_begin: text.slice(0, shownPayload) };
  const object = { position, stream, seq, id, context, ...content };
  return `[${time}] ${type.toUpperCase()} ${sender} -> ${recipient} | ${escape(JSON.stringify(object))}\n`;
}

/** Where the envelope of a line stands on the bus; null for a line that is none. */
export function positionOfLine(line: string): number | null {
  const json = /^\[[^\]]+\] [A-Z_]+ \S+ -> \S+ \| (\{.*\})$/.exec(line)?.[1];
  if (json === undefined) return null;
  try {
    const { position } = JSON.parse(json) as { readonly position?: unknown };
    return typeof position === 'number' ? position : null;
  } catch {
    return null;
  }
}
