import { maximumDepth } from '../models/sound-json.ts';

/** Values in one body, each comma and each bracket for one: a conversation of thousands of messages has fewer. */
export const maximumValues = 50_000;

const quote = 0x22;
const comma = 0x2c;
const backslash = 0x5c;
const opening: ReadonlySet<number> = new Set([0x5b, 0x7b]);
const closing: ReadonlySet<number> = new Set([0x5d, 0x7d]);

/**
 * Why a JSON text is not to be parsed, or null (S47): it is deeper than `maximumDepth` levels, which exhausts the stack of what walks
 * it, or has more than `maximumValues` values, of each of which a schema library keeps something. None of it is built for that.
 */
export function extentProblem(text: Uint8Array): string | null {
  let depth = 0;
  let values = 1;
  let isString = false;
  for (let index = 0; index < text.length; index += 1) {
    const byte = text[index] ?? 0;
    if (isString) {
      if (byte === backslash) index += 1;
      else if (byte === quote) isString = false;
    } else if (byte === quote) isString = true;
    else if (closing.has(byte)) depth -= 1;
    else if (byte === comma || opening.has(byte)) {
      values += 1;
      if (byte !== comma) depth += 1;
      if (depth > maximumDepth) return 'it is nested too deeply';
      if (values > maximumValues) return 'it has too many parts';
    }
  }
  return null;
}
