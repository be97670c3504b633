// One line ending, no trailing blanks, a newline at the end of every source file, and an .editorconfig that says so.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { trackedFiles } from './shared/package-facts.mjs';

const editorConfiguration = `root = true

[*]
charset = utf-8
end_of_line = lf
insert_final_newline = true
trim_trailing_whitespace = true

[*.md]
trim_trailing_whitespace = false
`;

/** Blanks at a line's end may belong to a template literal: a file where they could is left as it is. */
function trimmed(text) {
  return /`[^`]*[ \t]\n[^`]*`/.test(text) ? text : text.replace(/[ \t]+$/gm, '');
}

for (const file of trackedFiles(/\.[cm]?[jt]s$/)) {
  const before = readFileSync(file, 'utf8');
  if (before === '') continue;
  const after = `${trimmed(before.replaceAll('\r\n', '\n')).replace(/\n+$/, '')}\n`;
  if (after !== before) writeFileSync(file, after);
}
if (!existsSync('.editorconfig')) writeFileSync('.editorconfig', editorConfiguration);
