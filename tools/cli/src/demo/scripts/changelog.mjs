// Adds what this change brings to the changelog, judged by what is in the tree.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { insertBelowTitle } from './shared/markdown.mjs';
import { licenseMark, readManifest, trackedFiles } from './shared/package-facts.mjs';

const mark = '<!-- unreleased -->';
const { license, version } = readManifest();
const file = trackedFiles(/^(changelog|history|changes)\.(md|markdown)$/i)[0] ?? 'CHANGELOG.md';
const text = existsSync(file) ? readFileSync(file, 'utf8') : '# Changelog\n';
const sources = trackedFiles(/\.[cm]?[jt]s$/);
const headed = sources.filter((path) => readFileSync(path, 'utf8').includes(licenseMark));
const readme = trackedFiles(/^readme(\.md|\.markdown)?$/i).map((path) => readFileSync(path, 'utf8'))[0] ?? '';
const changes = [
  headed.length > 0 ? `${headed.length} of ${sources.length} source files name their license, ${license}.` : null,
  existsSync('docs/API.md') ? 'Every export is listed in docs/API.md.' : null,
  existsSync('test/smoke.test.mjs') ? '`node --test test/smoke.test.mjs` checks every export.' : null,
  readme.includes('<!-- contents -->') ? 'The README has a table of contents.' : null,
  readme.includes('<!-- documentation -->') ? 'The README leads to the documentation.' : null,
  existsSync('.editorconfig') ? 'Editors are told the form of the sources.' : null,
].filter((change) => change !== null);
if (!text.includes(mark)) {
  writeFileSync(
    file,
    insertBelowTitle(
      text,
      `${mark}\n## Unreleased (after ${version})\n\n${changes.map((change) => `- ${change}`).join('\n')}`,
    ),
  );
}
