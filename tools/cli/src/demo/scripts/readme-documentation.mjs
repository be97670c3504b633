// Puts a line that leads to the documentation right below the README's title.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { insertBelowTitle } from './shared/markdown.mjs';
import { readManifest, trackedFiles } from './shared/package-facts.mjs';

const mark = '<!-- documentation -->';
const file = trackedFiles(/^readme(\.md|\.markdown)?$/i)[0] ?? 'README.md';
const text = existsSync(file) ? readFileSync(file, 'utf8') : `# ${readManifest().name}\n`;
if (!text.includes(mark)) {
  const line = 'Documentation: [every export](docs/API.md) · run the smoke test with `node --test test/smoke.test.mjs`';
  writeFileSync(file, insertBelowTitle(text, `${mark}\n${line}`));
}
