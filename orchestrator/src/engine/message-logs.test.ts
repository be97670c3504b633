import { spawnSync } from 'node:child_process';
import { appendFileSync, existsSync, mkdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AgentBus } from '@agentcompany/agent-bus';
import { newId, unwrap, type Envelope } from '@agentcompany/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { positionOfLine } from './message-line.ts';
import { messageLogFile, MessageLogs } from './message-logs.ts';
import { envelopeTo, ledgerOnDisk, type LedgerOnDisk } from './testing/ledger-on-disk.ts';

let ledger: LedgerOnDisk;
let bus: AgentBus;
let home: { readonly runsFolder: string };
let problems: string[];
beforeEach(async () => {
  ledger = await ledgerOnDisk();
  bus = await ledger.open();
  home = { runsFolder: join(ledger.folder, 'runs') };
  mkdirSync(home.runsFolder);
  problems = [];
});
afterEach(() => ledger.remove());

const open = (on: AgentBus = bus): MessageLogs =>
  new MessageLogs({ bus: on, home, log: (event) => void problems.push(event) });

/** One engine's life: writes what there is. */
async function write(): Promise<void> {
  const logs = open();
  logs.note();
  await logs.finish();
}

async function send(...envelopes: readonly Envelope[]): Promise<void> {
  for (const envelope of envelopes) unwrap(await bus.send([{ envelope }]));
}

const said = (run: string, message: string): Envelope => envelopeTo(run, 'task_note', { message });
const linesOf = (run: string): readonly string[] =>
  readFileSync(messageLogFile(home, run), 'utf8')
    .split('\n')
    .filter((line) => line !== '');
const wordsOf = (run: string): readonly string[] =>
  linesOf(run).flatMap((line) => (positionOfLine(line) === null ? [] : (/"message":"([^"]*)"/.exec(line)?.[1] ?? '')));

describe('messages.log', () => {
  it('C10 has a line for each envelope of its run, progress too', async () => {
    const [run, other] = [newId(), newId()];
    const progress = envelopeTo(run, 'task_progress', { attempt_id: 'a', message: 'half' }, { sender: 'workers' });
    await send(
      said(run, 'one'),
      said(other, 'elsewhere'),
      progress,
      envelopeTo(run, 'task_assign', { n: 1 }, { recipient: 'workers' }),
    );
    await write();
    expect(wordsOf(run)).toEqual(['one', 'half', '']);
    expect(wordsOf(other)).toEqual(['elsewhere']);
    expect(linesOf(run)[2]).toMatch(
      /^\[2026-11-20T12:00:00.000Z\] TASK_ASSIGN president -> workers \| \{"position":4,.*"payload":\{"n":1\}\}$/,
    );
    expect(problems).toEqual([]);
  });

  it('C10 goes on after a restart without a line twice, wherever the last engine stopped', async () => {
    const run = newId();
    await send(said(run, 'one'), said(run, 'two'));
    await write();
    await send(said(run, 'three'));
    await write();
    await write();
    expect(wordsOf(run)).toEqual(['one', 'two', 'three']);
    // Killed before it noted how far it was; in the middle of a line; and the note was cut short.
    writeFileSync(join(home.runsFolder, '..', 'messages.position'), '1\n');
    truncateSync(messageLogFile(home, run), readFileSync(messageLogFile(home, run)).length - 9);
    await send(said(run, 'four'));
    await write();
    expect(wordsOf(run)).toEqual(['one', 'two', 'three', 'four']);
    writeFileSync(join(home.runsFolder, '..', 'messages.position'), '3');
    await send(said(run, 'five'));
    await write();
    expect(wordsOf(run)).toEqual(['one', 'two', 'three', 'four', 'five']);
  });

  it('C10 passes over lines that are none', async () => {
    const run = newId();
    await send(said(run, 'one'));
    await write();
    const rubbish = [
      'x'.repeat(400_000),
      '[now] TASK_NOTE a -> b | {"position":',
      '[now] TASK_NOTE a -> b | {"position":"9"}',
      '{}',
      '[now] TASK_NOTE a -> b | {"position":}',
    ];
    appendFileSync(messageLogFile(home, run), `${rubbish.join('\n')}\n`);
    writeFileSync(join(home.runsFolder, '..', 'messages.position'), 'lost');
    await send(said(run, 'two'));
    await write();
    expect(wordsOf(run)).toEqual(['one', 'two']);
    expect(rubbish.map(positionOfLine)).toEqual([null, null, null, null, null]);
  });

  it('C10 that cannot be written fails no send, and is made up for by the next engine', async () => {
    const [run, other] = [newId(), newId()];
    mkdirSync(messageLogFile(home, run), { recursive: true });
    const logs = open();
    logs.note();
    await send(said(run, 'one'), said(other, 'elsewhere'));
    await logs.finish();
    expect(problems).toEqual(['messages-failed']);
    expect(wordsOf(other)).toEqual(['elsewhere']);
    spawnSync('rmdir', [messageLogFile(home, run)]);
    await write();
    expect([wordsOf(run), wordsOf(other)]).toEqual([['one'], ['elsewhere']]);
  });

  it('shows the beginning of what is long, and nothing that moves a cursor', async () => {
    const run = newId();
    await send(said(run, `\u001b[2J\u009b2J\u202e${'x'.repeat(100_000)}`));
    await write();
    const [line = ''] = linesOf(run);
    expect(line.length).toBeLessThan(6000);
    expect(line).toContain('payload_begin');
    // eslint-disable-next-line no-control-regex -- that is what must not be there
    expect(line).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202e]/);
    expect(positionOfLine(line)).toBe(1);
  });

  it('leaves no file outside the runs, whatever a run is called', async () => {
    await send(said('../../escape', 'one'), said('.', 'two'));
    await write();
    expect(existsSync(join(ledger.folder, '../escape'))).toBe(false);
    expect(existsSync(join(home.runsFolder, 'messages.log'))).toBe(false);
  });
});
