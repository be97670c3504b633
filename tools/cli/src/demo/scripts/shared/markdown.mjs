/** Lines of a Markdown text that are not inside a fenced code block, with their numbers. */
function proseLines(text) {
  let fence = null;
  return text.split('\n').flatMap((line, number) => {
    const mark = /^ {0,3}(`{3,}|~{3,})/.exec(line)?.[1];
    if (mark !== undefined && (fence === null || mark.startsWith(fence))) {
      fence = fence === null ? mark : null;
      return [];
    }
    return fence === null ? [{ line, number }] : [];
  });
}

/** The ATX headings of a Markdown text, in order. */
export function headingsOf(text) {
  return proseLines(text).flatMap(({ line, number }) => {
    const match = /^(#{1,6})\s+(.+?)\s*#*\s*$/.exec(line);
    return match === null ? [] : [{ level: match[1].length, title: match[2], number }];
  });
}

/** The text with `block` as a paragraph of its own right below its title, or at the top of a text without one. */
export function insertBelowTitle(text, block) {
  const lines = text.split('\n');
  const title = headingsOf(text).find(({ level }) => level === 1);
  const at = title === undefined ? 0 : title.number + 1;
  const before = lines.slice(0, at);
  const after = lines.slice(at);
  while (after[0]?.trim() === '') after.shift();
  const gap = before.length === 0 ? [] : [''];
  return [...before, ...gap, ...block.trimEnd().split('\n'), '', ...after].join('\n');
}

/** The anchor that forges give a heading. */
export function anchorOf(title) {
  return title
    .toLowerCase()
    .replace(/<[^>]*>|\[([^\]]*)\]\([^)]*\)/g, '$1')
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .trim()
    .replace(/\s/g, '-');
}
