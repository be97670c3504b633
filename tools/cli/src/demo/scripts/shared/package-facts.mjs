import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

/** The manifest of the package whose repository is the current folder. */
export function readManifest() {
  return JSON.parse(readFileSync('package.json', 'utf8'));
}

/** What every line that names a license holds (SPDX specification, annex E). */
export const licenseMark = 'SPDX-License-Identifier:';

/** The comment that names the package's license. Throws where the package names none that a comment could hold. */
export function licenseLine({ license }) {
  if (typeof license === 'string' && /^[A-Za-z0-9.+() -]+$/.test(license)) return `// ${licenseMark} ${license}`;
  throw new Error(`package.json names no license that a header could state: ${JSON.stringify(license)}`);
}

/** Paths under version control that match `pattern`, sorted. */
export function trackedFiles(pattern) {
  const listed = execFileSync('git', ['ls-files', '-z'], { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 });
  return listed
    .split('\0')
    .filter((path) => pattern.test(path))
    .toSorted();
}

/** The file of a conditional export that Node takes for `import` (Node.js documentation, "Conditional exports"). */
function resolveConditions(target) {
  if (typeof target === 'string') return target;
  if (Array.isArray(target)) return resolveConditions(target[0]);
  if (typeof target !== 'object' || target === null) return null;
  for (const [condition, inner] of Object.entries(target)) {
    if (['node', 'import', 'module-sync', 'default'].includes(condition)) {
      const found = resolveConditions(inner);
      if (found !== null) return found;
    }
  }
  return resolveConditions(target['require'] ?? null);
}

/** The entry point, relative to the repository, without a leading `./`. Throws where the package has none. */
export function entryOf(manifest) {
  const { exports } = manifest;
  const root = typeof exports === 'object' && exports !== null && '.' in exports ? exports['.'] : exports;
  const named = resolveConditions(root ?? null) ?? manifest.main ?? 'index.js';
  const path = named.replace(/^\.\//, '');
  const found = [path, `${path}.js`, `${path.replace(/\/$/, '')}/index.js`].find(
    (file) => /\.[cm]?js$/.test(file) && existsSync(file),
  );
  if (found === undefined) throw new Error(`the package has no entry point: ${named}`);
  return found;
}

/** What `import * as subject from ENTRY` gives, without the name that Node adds for CommonJS. Runs the package's code. */
export async function importEntry(entry) {
  const namespace = await import(pathToFileURL(entry).href);
  return Object.fromEntries(Object.entries(namespace).filter(([name]) => name !== 'module.exports'));
}

/** What an earlier round found, as one text; empty in the first round. */
export function readFeedback() {
  const file = process.env['AGENTCOMPANY_FEEDBACK'];
  if (file === undefined) return '';
  const { message, findings } = JSON.parse(readFileSync(file, 'utf8'));
  return [message, ...findings.map((finding) => finding.message)].join('\n');
}
