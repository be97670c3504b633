/* oxlint-disable no-control-regex -- control characters are what is removed */
const control = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f]+/gu;
const invisible = /(?!\ufe0f)[\p{Cf}\p{Default_Ignorable_Code_Point}\p{Cs}\u2028\u2029]/gu;
/** What makes links, images, code, HTML and references to characters; what comes after a backslash would be freed by one more. */
const active = /[\\`[\]]|~(?=~)/gu;
/** Where a line begins as a heading, a fence, or a command of the forge. */
const beginning = /^(\s*)(?=#|\/[a-z])/gimu;
/** Behind these a forge looks for somebody to call, an issue to refer to or close, or a place to link to. */
const trigger =
  /@(?=[\w-])|[#!$%](?=[\w"{])|:(?=\/\/)|\b(?:www(?=\.)|GH(?=-\d)|(?:mailto|javascript|data|xmpp)(?=:))/giu;
/** A break that no reader sees in the page, and everybody in the source. */
const pause = '&#8203;';

/**
 * A text from outside as part of a page of Markdown (S43): it reads the same, but loads nothing, links nowhere, calls nobody, closes and
 * refers to nothing, gives the forge no command, and cannot pose as a section of ours.
 */
export function neutralizeMarkdown(text: string): string {
  return text
    .replaceAll('\r\n', '\n')
    .replace(control, ' ')
    .replace(invisible, '')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replace(active, (character) => `\\${character}`)
    .replace(beginning, (indent) => `${indent}\\`)
    .replace(trigger, (found) => `${found}${pause}`);
}
