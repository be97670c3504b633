// Names the license at the top of every source file, in the form of SPDX.
import { readFileSync, writeFileSync } from 'node:fs';
import { licenseLine, licenseMark, readManifest, trackedFiles } from './shared/package-facts.mjs';

const header = licenseLine(readManifest());

/** Made by a bundler: a header would be lost with the next build, and would shift the lines of a source map. */
function isGenerated(file, text) {
  return (
    /\.min\.[cm]?js$/.test(file) ||
    text.includes('//# sourceMappingURL=') ||
    text.split('\n').some((line) => line.length > 2000)
  );
}

for (const file of trackedFiles(/\.[cm]?[jt]s$/)) {
  const text = readFileSync(file, 'utf8');
  if (text.includes(licenseMark) || isGenerated(file, text)) continue;
  const first = /^\uFEFF?(?:#!.*\n)?/.exec(text)?.[0] ?? '';
  writeFileSync(file, `${first}${header}\n${text.slice(first.length)}`);
}
