import { maximumDepth } from '../models/sound-json.ts';

const quote = 0x22;
const backslash = 0x5c;
const opening: ReadonlySet<number> = new Set([0x5b, 0x7b]);
const closing: ReadonlySet<number> = new Set([0x5d, 0x7d]);

/** Whether a JSON text is nested deeper than `maximumDepth` levels, without building any of it. */
export function isTooDeep(text: Uint8Array): boolean {
  let depth = 0;
  let isString = false;
  for (let index = 0; index < text.length; index += 1) {
    const byte = text[index] ?? 0;
    if (isString) {
      if (byte === backslash) index += 1;
      else if (byte === quote) isString = false;
    } else if (byte === quote) isString = true;
    else if (opening.has(byte)) {
      depth += 1;
      if (depth > maximumDepth) return true;
    } else if (closing.has(byte)) depth -= 1;
  }
  return false;
}
