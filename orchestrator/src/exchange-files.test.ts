import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { unwrap } from '@agentcompany/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openExchangeFiles, readExchanges } from './exchange-files.ts';
import type { Exchange, ExchangeKey } from './models/exchange-store.ts';
import { requestOf } from './models/testing/fixtures.ts';

let parent: string;
let folder: string;
beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), 'agentcompany-exchanges-'));
  folder = join(parent, 'run', 'exchanges');
});
afterEach(() => rmSync(parent, { recursive: true, force: true }));

const key: ExchangeKey = { scope: 'task/a/1', digest: 'd'.repeat(64), occurrence: 0, asked: 'anthropic:claude' };
const exchange: Exchange = {
  provider: 'anthropic',
  model: 'claude',
  request: requestOf('Hello'),
  events: [
    { type: 'text', text: 'Hi 🙂' },
    { type: 'tool_call', call: { id: '1', name: 'look', input: { a: [1, null] }, problem: null, signature: 's' } },
    { type: 'usage', usage: { input: 1, output: 2, cache_read: 3, cache_write: 4 } },
    { type: 'end', stop: 'tool_calls' },
  ],
  cost_usd: 0.1,
};

/** The one file there is. */
function theFile(): string {
  const names = readdirSync(folder);
  expect(names).toHaveLength(1);
  return join(folder, names[0] ?? '');
}

describe('exchanges as files', () => {
  it('finds what was kept under its key and no other, also after a restart', async () => {
    const store = openExchangeFiles({ folder, secrets: [] });
    expect(unwrap(await store.find(key))).toBeNull();
    unwrap(await store.keep(key, exchange));
    const again = openExchangeFiles({ folder, secrets: [] });
    expect(unwrap(await again.find(key))).toEqual(exchange);
    for (const other of [
      { scope: 'task/a/2' },
      { digest: 'e'.repeat(64) },
      { occurrence: 1 },
      { asked: 'anthropic:other' },
    ])
      expect(unwrap(await again.find({ ...key, ...other }))).toBeNull();
  });

  it('finds what an older version kept without the model that was asked, where that one answered', async () => {
    const store = openExchangeFiles({ folder, secrets: [] });
    unwrap(await store.keep({ ...key, asked: null }, exchange));
    expect(JSON.parse(readFileSync(theFile(), 'utf8'))).toMatchObject({ version: 1, asked: null });
    expect(unwrap(await store.find(key))).toEqual(exchange);
    expect(unwrap(await store.find({ ...key, asked: 'anthropic:other' }))).toBeNull();
    // As it was written then.
    const { asked: _, ...written } = JSON.parse(readFileSync(theFile(), 'utf8')) as Record<string, unknown>;
    writeFileSync(theFile(), JSON.stringify(written));
    expect(unwrap(await store.find(key))).toEqual(exchange);
    expect(unwrap(await readExchanges(folder))).toHaveLength(1);
  });

  it('is for its owner only, and leaves no half files behind', async () => {
    unwrap(await openExchangeFiles({ folder, secrets: [] }).keep(key, exchange));
    expect(statSync(theFile()).mode & 0o777).toBe(0o600);
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    expect(theFile()).toMatch(/[0-9a-f]{64}\.json$/u);
  });

  it('takes what is torn, garbage, forged or another’s for not there', async () => {
    const store = openExchangeFiles({ folder, secrets: [] });
    unwrap(await store.keep(key, exchange));
    const file = theFile();
    const good = readFileSync(file, 'utf8');
    const parsed = JSON.parse(good) as Record<string, unknown>;
    const bad = [
      '',
      good.slice(0, good.length / 2),
      '\0'.repeat(good.length),
      '[]',
      'null',
      '{"__proto__":{}}',
      `${'['.repeat(200_000)}${']'.repeat(200_000)}`,
      JSON.stringify({ ...parsed, version: 2 }),
      JSON.stringify({ ...parsed, digest: 'e'.repeat(64) }),
      JSON.stringify({ ...parsed, occurrence: 1 }),
      JSON.stringify({ ...parsed, events: [] }),
      JSON.stringify({ ...parsed, events: [{ type: 'text', text: 'no end' }] }),
      JSON.stringify({
        ...parsed,
        events: [
          { type: 'usage', usage: { input: -1 } },
          { type: 'end', stop: 'finished' },
        ],
      }),
      JSON.stringify({ ...parsed, provider: 'nobody' }),
    ];
    for (const text of bad) {
      writeFileSync(file, text);
      expect([text.slice(0, 60), unwrap(await store.find(key))]).toEqual([text.slice(0, 60), null]);
    }
    writeFileSync(file, good);
    expect(unwrap(await store.find(key))).toEqual(exchange);
  });

  it('never writes a secret, wherever it stands, and still finds the exchange', async () => {
    const secret = 'odd"key\\with/marks';
    const longer = `${secret}-and-more`;
    const known = [
      ['sk', 'ant', 'x'.repeat(30)].join('-'),
      'AIzaSyA1234567890abcdefghijklmnopqrstuvw',
      'ghp_abcdefghijklmnopqrstuvwxyz0123456789',
      'AKIAABCDEFGHIJKLMNOP',
      '-----BEGIN RSA PRIVATE KEY-----\nMIIabc\n-----END RSA PRIVATE KEY-----',
    ];
    const store = openExchangeFiles({ folder, secrets: [secret, longer, 'ab'] });
    const input = { [secret]: { deep: [longer, ...known] } };
    unwrap(
      await store.keep(key, {
        ...exchange,
        request: requestOf(`${secret} ${known.join(' ')}`, { system: longer }),
        events: [
          { type: 'text', text: known.join('\n') },
          { type: 'tool_call', call: { id: '1', name: 'n', input, problem: null } },
          { type: 'end', stop: 'finished' },
        ],
      }),
    );
    const text = readFileSync(theFile(), 'utf8');
    const marks = [JSON.stringify(secret).slice(1, -1), 'and-more', 'MIIabc', ...known.map((one) => one.slice(0, 25))];
    for (const mark of marks) expect(text).not.toContain(mark);
    expect(text).toContain('[secret]');
    expect(unwrap(await store.find(key))?.events).toHaveLength(3);
  });

  it('says so when the disk does not take it', async () => {
    writeFileSync(join(parent, 'run'), 'a file in the way');
    const store = openExchangeFiles({ folder, secrets: [] });
    expect(await store.keep(key, exchange)).toMatchObject({ ok: false, error: { code: 'AC_EXCHANGE_FILES' } });
    expect(await store.find(key)).toMatchObject({ ok: false, error: { code: 'AC_EXCHANGE_FILES' } });
  });
});
