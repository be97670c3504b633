import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { policyKeys } from '../../orchestrator/src/config-schema.ts';
import { codeWords, readPage, root, section } from './pages.ts';

const page = 'docs/configuration.md';
const source = globSync('{orchestrator,tools/cli}/src/**/*.ts', {
  cwd: root,
  exclude: (path) => /\.test\.ts$|(^|[\\/])(config|config-schema|errors|timeline-line)\.ts$/.test(path),
})
  .map((file) => readFileSync(join(root, file), 'utf8'))
  .join('\n');

/** Whether the product takes the key from the configuration: `config.key`, or `{ key, … } = ….config`. */
function isRead(key: string): boolean {
  const destructured = [...source.matchAll(/\{([\w,\s]+)\} = [\w.]*config;/g)].map(([, names = '']) => names).join(',');
  return new RegExp(`\\bconfig\\.${key}\\b|'${key}'`).test(source) || new RegExp(`\\b${key}\\b`).test(destructured);
}

describe('docs/configuration.md', () => {
  const all = [...readPage(page).matchAll(/^\| `(\w+)` \|/gm)].map(([, key = '']) => key);

  it('names only keys that something reads', () => {
    // The form of the file, and a consent without which another key is refused, are read with the file itself.
    const active = all.filter((key) => key !== 'version' && key !== 'allow_dind');
    expect(active.length).toBeGreaterThan(20);
    expect(active.filter((key) => !isRead(key))).toEqual([]);
  });

  it('lists what a project may settle for its own runs', () => {
    const words = codeWords(section(page, '## Projects').split('`policy` may hold')[1] ?? '');
    expect(words.toSorted()).toEqual([...policyKeys].toSorted());
  });
});
