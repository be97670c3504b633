/* oxlint-disable no-control-regex -- control characters are what is shown */
/** Controls but tab and line ends, format, zero-width, bidirectional, tag and filler characters, variation selectors, halves of pairs. */
const hidden =
  /[\p{Default_Ignorable_Code_Point}\p{Cf}\p{Cs}\u2028\u2029\u2800\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]+/gu;
/** The one variation selector that ordinary text holds, after an emoji. */
const ordinary = '\ufe0f';
const comment = /<!--[\s\S]*?(?:-->|$)/gu;

/** A text in which every character that a reader would not see stands as `\u{…}` (S48): a model shall see no more than a person. */
export function showHidden(text: string): string {
  return text.replace(hidden, (run) => (run === ordinary ? run : Array.from(run, escapeCharacter).join('')));
}

/** The same for text that people read rendered: comments, of which they see nothing, are marked as such. */
export function showHiddenInPage(text: string): string {
  return showHidden(text).replace(comment, (hiddenPart) => `[hidden from readers: ${hiddenPart}]`);
}

/** Whether people read files of this name rendered. */
export function isPage(path: string): boolean {
  return /\.(?:md|mdx|markdown|html?|rst)$/iu.test(path);
}

function escapeCharacter(character: string): string {
  return `\\u{${(character.codePointAt(0) ?? 0).toString(16).toUpperCase()}}`;
}
