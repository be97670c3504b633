import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as suites from '@agentcompany/agent-bus/testing';
import { openBus } from '@agentcompany/agent-bus';
import { unwrap } from '@agentcompany/protocol';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { describe, expect, it } from 'vitest';
import { codeWords, readPage, root, section, tableRows } from './pages.ts';

const page = 'docs/adapters.md';
const examples = [...readPage(page).matchAll(/^<!-- (\S+) -->\n+```ts\n([\s\S]*?)^```$/gm)];

describe('docs/adapters.md', () => {
  it('shows every file of the third-party adapter', () => {
    expect(examples.map(([, file]) => file)).toHaveLength(3);
  });

  it.each(examples.map(([, file = '', text = '']) => ({ file, text })))('shows $file as it is', ({ file, text }) => {
    expect(text).toBe(readFileSync(join(root, file), 'utf8'));
  });

  it('names every suite and every capability', async () => {
    const named = tableRows(section(page, '## Running the contract')).map(([suite = '']) => codeWords(suite)[0]);
    expect(new Set(named)).toEqual(new Set(Object.keys(suites).filter((name) => name.endsWith('Contract'))));
    const folder = await mkdtemp(join(tmpdir(), 'docs-adapters-'));
    const bus = unwrap(await openBus({ adapter: 'sqlite', folder }));
    const capabilities = tableRows(section(page, '## Capabilities')).map(([name = '']) => codeWords(name)[0]);
    expect(capabilities).toEqual(Object.keys(bus.capabilities()));
    await bus.close();
    await rm(folder, { recursive: true });
  });
});
