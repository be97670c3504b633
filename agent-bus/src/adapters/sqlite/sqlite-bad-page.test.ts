import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parsePayload, unwrap, type Result } from '@agentcompany/protocol';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AgentBus } from '../../bus.ts';
import { openBus } from '../../open-bus.ts';
import { claim, ids, makeEnvelope, sendAll } from '../../testing/support.ts';

const codeOf = (result: Result<unknown>): string => (result.ok ? 'success' : result.error.code);
/** Large enough for pages of its own. */
const envelopes = ['first', 'second', 'third'].map((name) =>
  makeEnvelope({ payload: { text: `${name}-`.repeat(2000) } }),
);
const [first, second, third] = [envelopes[0]!, envelopes[1]!, envelopes[2]!];

let folder: string;
let bus: AgentBus | null = null;
const open = async (): Promise<AgentBus> => (bus = unwrap(await openBus({ adapter: 'sqlite', folder })));

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sqlite-bad-page-'));
  await sendAll(await open(), envelopes);
  await bus?.close();
});
afterEach(async () => {
  await bus?.close();
  await rm(folder, { recursive: true });
});

/** Changes bytes of the closed file. */
async function damage(change: (bytes: Buffer) => void): Promise<void> {
  const file = join(folder, 'bus.db');
  const bytes = await readFile(file);
  change(bytes);
  await writeFile(file, bytes);
}

describe('a bad page in the file of the SQLite bus', () => {
  it('S69 that holds an envelope: it is buried by name, the others are served, and the operator is told', async () => {
    // One letter for another: still JSON, still an envelope.
    await damage((bytes) => bytes.write('seconD', bytes.lastIndexOf('second-second')));
    const damaged = await open();
    expect(ids(await claim(damaged, 'workers'))).toEqual([first.id, third.id]);
    const [notice] = await claim(damaged, 'engine');
    const told = unwrap(parsePayload('dead_letter', notice?.envelope.payload));
    expect([told.envelope_id, told.error.code]).toEqual([second.id, 'AC_BUS_UNREADABLE']);
    expect(told.error.message).toContain(second.id);
    expect(unwrap(await damaged.deadLetters()).map(({ envelope }) => envelope.id)).toEqual([second.id]);
    const [entry] = unwrap(await damaged.readStream(String(second.context.run_id), { after: 0 }));
    expect(entry?.envelope).toMatchObject({ id: second.id, envelope_type: 'dead_letter' });
  });

  it('S69 that holds the tables: a named error closes the bus, and nothing false is served', async () => {
    const reader = new Database(join(folder, 'bus.db'), { readonly: true });
    const root = reader.prepare<[], number>(`SELECT rootpage FROM sqlite_master WHERE name = 'messages'`).pluck().get();
    reader.close();
    await damage((bytes) => bytes.fill(0xa5, (Number(root) - 1) * 4096, Number(root) * 4096));
    const damaged = await open();
    const refused = await damaged.receive('workers', { max: 3, waitMs: 0, leaseMs: 1000 });
    expect(codeOf(refused)).toBe('AC_BUS_CORRUPT');
    expect(refused.ok ? '' : refused.error.message).toContain('bus.db');
    expect(codeOf(await damaged.send([{ envelope: makeEnvelope() }]))).toBe('AC_BUS_CORRUPT');
    expect(codeOf(await damaged.readAll({ after: 0, limit: 10 }))).toBe('AC_BUS_CORRUPT');
  });
});
