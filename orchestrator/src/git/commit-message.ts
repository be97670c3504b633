/* oxlint-disable no-control-regex -- control characters are what is removed */
/** Longest first line kept, in characters. */
const titleLimit = 120;

/** Terminal escape sequences: CSI, OSC and two-character ones, with 7-bit or 8-bit introducers. */
const escapeSequence =
  /(?:\u001b\[|\u009b)[0-?]*[ -/]*[@-~]|(?:\u001b\]|\u009d)[^\u0007\u001b\u009c]*(?:\u0007|\u001b\\|\u009c)?|\u001b[@-Z\\^_a-z]/gu;
const control = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/gu;
/** Bidirectional controls, zero-width characters, tag characters, lone surrogates. */
const invisible =
  /[\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff\u{e0000}-\u{e007f}]/gu;
/** Words that make a forge or a CI system act. */
const directive =
  /\[(?:skip ci|ci skip|no ci|skip actions|actions skip)\]|\*\*\*NO_CI\*\*\*|\b(?:signed-off-by|co-authored-by)\s*:|\b(?:close[sd]?|fix(?:e[sd])?|resolve[sd]?)\b:?(?=\s+(?:[\w.-]+\/[\w.-]+)?#\d|\s+https?:)/giu;

/** A text from outside as the one line a commit, a merge or a pull request may carry (S36): no control, bidirectional or escape characters, nothing that a forge or CI obeys. */
export function plainTitle(text: string): string {
  const plain = text
    .replace(escapeSequence, '')
    .replace(control, ' ')
    .replace(invisible, '')
    .replace(directive, '')
    .replace(/\s+/gu, ' ')
    .trim();
  const short = Array.from(plain).slice(0, titleLimit).join('').trim();
  return short === '' ? 'Untitled work' : short;
}

/** The message of a task's commit; the trailer ties it to its attempt. */
export function attemptMessage(title: string, attemptId: string): string {
  return `${plainTitle(title)}\n\nAttempt: ${attemptId}\n`;
}

/** The message of the merge of a task's commit into its run. */
export function mergeMessage(title: string, attemptId: string): string {
  return `Merge: ${plainTitle(title)}\n\nAttempt: ${attemptId}\n`;
}
