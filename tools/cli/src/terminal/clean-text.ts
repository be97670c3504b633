import { stripVTControlCharacters } from 'node:util';

// Control characters but tab and line feed, and those that reorder text or hide in it (Unicode TR 36).
const unsafe = /(?![\t\n])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

/** Text of a repository or a worker made safe for a terminal: no escape sequences, no control or reordering characters; lines stay. */
export function cleanText(text: string): string {
  return stripVTControlCharacters(text.replaceAll('\r\n', '\n')).replace(unsafe, '');
}

/** JSON made safe for a terminal: what could act on it is written as an escape, which means the same. */
export function cleanJson(json: string): string {
  const escaped = (unit: string): string => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
  return json.replace(unsafe, (character) => character.split('').map(escaped).join(''));
}

/** `cleanText` on one line. */
export function cleanLine(text: string): string {
  return cleanText(text).replace(/\s+/g, ' ').trim();
}

/** `text` on one line, at most `width` characters, the last … where something is left out. */
export function fit(text: string, width: number): string {
  const line = [...cleanLine(text)];
  if (line.length <= width) return line.join('');
  return width <= 0 ? '' : `${line.slice(0, width - 1).join('')}…`;
}

/** `1 task`, `2 tasks`. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
