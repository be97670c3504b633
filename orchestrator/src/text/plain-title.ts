/* oxlint-disable no-control-regex -- control characters are what is removed */
/** Longest first line kept, in characters. */
const titleLimit = 120;
/** Characters of a text that are looked at for it. */
const readLimit = 4000;

/** Terminal escape sequences: CSI, OSC and two-character ones, with 7-bit or 8-bit introducers. */
const escapeSequence =
  /(?:\u001b\[|\u009b)[0-?]*[ -/]*[@-~]|(?:\u001b\]|\u009d)[^\u0007\u001b\u009c]*(?:\u0007|\u001b\\|\u009c)?|\u001b[@-Z\\^_a-z]/gu;
const control = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/gu;
/** Format, bidirectional, zero-width and tag characters, selectors that could carry bytes, lone surrogates. */
const invisible = /(?!\ufe0f)[\p{Cf}\p{Default_Ignorable_Code_Point}\p{Cs}]/gu;
/** Words that make a forge or a CI system act. */
const directive =
  /\[(?:skip ci|ci skip|no ci|skip actions|actions skip)\]|\*\*\*NO_CI\*\*\*|\b(?:signed-off-by|co-authored-by)\s*:|\b(?:close[sd]?|fix(?:e[sd])?|resolve[sd]?)\b:?(?=\s+(?:[\w.-]+\/[\w.-]+)?#\d|\s+https?:)/giu;
/** A name that a forge would call somebody by; an address has a word before its `@`. */
const mention = /(?<![\w`])@(?=[\w-])/gu;
/** What a line of text becomes a link by. */
const link = /\b(?:https?|ftp|mailto|javascript|data):(?=\S)/giu;

/**
 * A text from outside as the one line a commit, a merge or a pull request may carry (S36, S43): no control, bidirectional or escape
 * characters, nothing that a forge or CI obeys, nobody called by name, no link.
 */
export function plainTitle(text: string): string {
  const readable = text.slice(0, readLimit).replace(escapeSequence, '').replace(control, ' ').replace(invisible, '');
  const plain = withoutDirectives(readable)
    .replace(mention, '@ ')
    .replace(link, (scheme) => `${scheme} `)
    .replace(/\s+/gu, ' ')
    .trim();
  const short = Array.from(plain).slice(0, titleLimit).join('').trim();
  return short === '' ? 'Untitled work' : short;
}

/** Taking one out may join the halves of another. */
function withoutDirectives(text: string): string {
  for (let rest = text; ;) {
    const next = rest.replace(directive, '').replace(/\s+/gu, ' ');
    if (next === rest) return next;
    rest = next;
  }
}
