// Writes test/smoke.test.mjs: imports the package and checks that everything it exports is there.
// `--assume NAME` makes the first draft also expect NAME, as one does who remembers other packages; it is only
// dropped when a failed check says that there is no such export.
import { mkdirSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { entryOf, importEntry, licenseLine, readFeedback, readManifest } from './shared/package-facts.mjs';

const { values } = parseArgs({ options: { assume: { type: 'string' } } });
const manifest = readManifest();
const entry = entryOf(manifest);
const expected = Object.fromEntries(
  Object.entries(await importEntry(entry)).map(([name, value]) => [name, typeof value]),
);
const refuted = new Set([...readFeedback().matchAll(/no export named '([^']+)'/g)].map((match) => match[1]));
if (values.assume !== undefined) {
  let name = values.assume;
  while (name in expected) name += '_';
  if (!refuted.has(name)) expected[name] = 'string';
}

mkdirSync('test', { recursive: true });
writeFileSync(
  'test/smoke.test.mjs',
  `${licenseLine(manifest)}
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as subject from ${JSON.stringify(`../${entry}`)};

const expected = ${JSON.stringify(expected, null, 2)};

for (const [name, kind] of Object.entries(expected)) {
  test(\`exports \${name}\`, () => {
    assert.ok(name in subject, \`no export named '\${name}'\`);
    assert.equal(typeof subject[name], kind);
  });
}
`,
);
