// Names the license at the top of every source file, in the form of SPDX.
import { readFileSync, writeFileSync } from 'node:fs';
import { readManifest, trackedFiles } from './shared/package-facts.mjs';

const mark = 'SPDX-License-Identifier:';
const { license } = readManifest();
// What is not an SPDX expression must not end the comment it is put into.
if (typeof license !== 'string' || !/^[A-Za-z0-9.+() -]+$/.test(license)) {
  throw new Error(`package.json names no license that a header could state: ${JSON.stringify(license)}`);
}

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
  if (text.includes(mark) || isGenerated(file, text)) continue;
  const first = /^\uFEFF?(?:#!.*\n)?/.exec(text)?.[0] ?? '';
  writeFileSync(file, `${first}// ${mark} ${license}\n${text.slice(first.length)}`);
}
