// Puts a table of contents right below the README's title.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { anchorOf, headingsOf, insertBelowTitle } from './shared/markdown.mjs';
import { readManifest, trackedFiles } from './shared/package-facts.mjs';

const mark = '<!-- contents -->';
const file = trackedFiles(/^readme(\.md|\.markdown)?$/i)[0] ?? 'README.md';
const text = existsSync(file) ? readFileSync(file, 'utf8') : `# ${readManifest().name}\n`;
if (!text.includes(mark)) {
  const headings = headingsOf(text);
  const sections = headings.filter(({ level }) => level === 2 || level === 3);
  const listed = sections.length > 0 ? sections : headings;
  const top = Math.min(...listed.map(({ level }) => level));
  const entries = listed.map(({ level, title }) => {
    const plain = title
      .replace(/<[^>]*>/g, '')
      .replace(/!?\[([^\]]*)\]\([^)]*\)/g, '$1')
      .trim();
    return `${'  '.repeat(level - top)}- [${plain}](#${anchorOf(title)})`;
  });
  writeFileSync(file, insertBelowTitle(text, `${mark}\n**Contents**\n\n${entries.join('\n')}`));
}
