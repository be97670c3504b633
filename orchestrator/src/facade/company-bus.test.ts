import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { openBus, type AgentBus, type StreamEntry } from '@agentcompany/agent-bus';
import { newId, unwrap, type BusRecord, type Result } from '@agentcompany/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { HistoryPage, HistoryQuery } from '../bus-facade.ts';
import type { Company } from '../company-facade.ts';
import { initHome, type CompanyHome } from '../company-home.ts';
import { errorOf, planOf } from '../company/testing/fixtures.ts';
import { Simulation } from '../company/testing/simulation.ts';
import { loadConfig } from '../config.ts';
import { decideForever } from '../engine/decider.ts';
import { takeEngineLock } from '../engine/engine-lock.ts';
import { RunFolds } from '../engine/run-folds.ts';
import { envelopeTo, submit } from '../engine/testing/ledger-on-disk.ts';
import { busOptions } from '../home-bus.ts';
import { openCompany } from '../open-company.ts';

let folder: string;
let home: CompanyHome;
let company: Company;
let bus: AgentBus;
const closing: (() => Promise<void>)[] = [];

async function openAt(root: string): Promise<{ home: CompanyHome; company: Company; bus: AgentBus }> {
  const at = unwrap(initHome(root));
  const { config } = unwrap(loadConfig({ home: at, environment: { AGENTCOMPANY_MESSAGE_QUEUE: 'sqlite' } }));
  const opened = unwrap(await openCompany(at, { environment: {}, installation: root, config }));
  closing.push(() => opened.close());
  // Another process on the same store.
  const other = unwrap(await openBus(unwrap(busOptions(at, config))));
  closing.push(() => other.close());
  return { home: at, company: opened, bus: other };
}

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'company-bus-'));
  ({ home, company, bus } = await openAt(join(folder, 'home')));
});
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
  rmSync(folder, { recursive: true, force: true });
});

async function take(queue: string): Promise<Parameters<AgentBus['complete']>[0]> {
  const [delivery] = unwrap(await bus.receive(queue, { max: 1, waitMs: 0, leaseMs: 60_000 }));
  if (delivery === undefined) throw new Error(`nothing in ${queue}`);
  return delivery;
}

/** A run that failed, with nothing left to do. */
async function endedRun(): Promise<string> {
  const runId = await submit(bus, planOf({ a: [] }));
  const failed = envelopeTo(runId, 'run_failed', { error: errorOf('AC_PLAN_MISSING', 'never') });
  unwrap(await bus.complete(await take('engine'), [{ envelope: failed, queue: null }]));
  return runId;
}

/** A run whose pull request is open, as a simulated world made it. */
async function publishedRun(): Promise<string> {
  const { stream } = new Simulation({ plan: planOf({ a: [] }), world: {} }).proceed().ledger;
  const runId = newId();
  const envelopes = stream.map((envelope, index) => ({
    ...envelope,
    id: index === 0 ? runId : newId(),
    context: { ...envelope.context, run_id: runId },
    inReplyTo: null,
  }));
  unwrap(await bus.send(envelopes.map((envelope) => ({ envelope, queue: null }))));
  return runId;
}

async function search(query: Partial<HistoryQuery>): Promise<HistoryPage> {
  return unwrap(await company.bus.history({ limit: 100, offset: 0, ...query }));
}

async function all<Value>(source: AsyncIterable<Result<Value>>): Promise<readonly Value[]> {
  const values: Value[] = [];
  for await (const value of source) values.push(unwrap(value));
  return values;
}

const never = new AbortController().signal;

describe('the history', () => {
  it('H20 finds every envelope by run, thread, type, sender, recipient and time, page by page', async () => {
    const [one, other] = [await submit(bus, null), await submit(bus, null)];
    const at = (minute: number, context: object): object => ({
      context,
      created_at: `2026-11-20T12:0${minute}:00.000Z`,
      sender: minute < 3 ? 'hub' : 'reviewer',
      recipient: 'manager',
    });
    const notes = [1, 2, 3, 4].map((minute) =>
      envelopeTo(
        one,
        'task_note',
        { note: `number ${minute}` },
        at(minute, { run_id: one, thread_id: `t${minute % 2}` }),
      ),
    );
    const progress = envelopeTo(one, 'task_progress', { attempt_id: 'a', message: 'm' });
    for (const envelope of [...notes.slice(0, 2), progress, ...notes.slice(2)])
      unwrap(await bus.send([{ envelope, queue: null }]));
    const found = async (query: Partial<HistoryQuery>): Promise<readonly string[]> =>
      (await search(query)).entries.map(({ envelope }) => envelope.id);
    const ids = notes.map(({ id }) => id);
    expect(await found({})).toStrictEqual([one, other, ids[0], ids[1], progress.id, ids[2], ids[3]]);
    expect(await found({ run: one })).toStrictEqual([one, ids[0], ids[1], progress.id, ids[2], ids[3]]);
    expect(await found({ thread: 't1' })).toStrictEqual([ids[0], ids[2]]);
    expect(await found({ type: 'task_progress' })).toStrictEqual([progress.id]);
    expect(await found({ sender: 'hub' })).toStrictEqual([ids[0], ids[1]]);
    expect(await found({ recipient: 'manager', sender: 'reviewer' })).toStrictEqual([ids[2], ids[3]]);
    const since = Date.parse('2026-11-20T12:02:00Z');
    expect(await found({ since, until: since + 60_000 })).toStrictEqual([ids[1]]);
    const page = await search({ type: 'task_note', offset: 1, limit: 2 });
    expect([page.entries.map(({ envelope }) => envelope.id), page.more]).toStrictEqual([[ids[1], ids[2]], true]);
    const last = await search({ type: 'task_note', offset: 3, limit: 2 });
    expect([last.entries.map(({ envelope }) => envelope.id), last.more]).toStrictEqual([[ids[3]], false]);
    expect(await company.bus.history({ run: newId(), limit: 1, offset: 0 })).toMatchObject({
      ok: false,
      error: { code: 'AC_RUN_UNKNOWN' },
    });
  });

  it('H14 says of each envelope whether it is pending, processed or failed', async () => {
    const [waiting, leased, delayed, done, buried] = Array.from({ length: 5 }, () => newId());
    const sent = async (id: string, queue: string, notBefore = 0): Promise<void> =>
      void unwrap(
        await bus.send([{ envelope: envelopeTo(newId(), 'ping', {}, { id, context: {} }), queue, notBefore }]),
      );
    await sent(waiting!, 'one');
    await sent(leased!, 'two');
    await take('two');
    await sent(delayed!, 'three', Date.now() + 3_600_000);
    await sent(done!, 'four');
    unwrap(await bus.complete(await take('four'), []));
    await sent(buried!, 'five');
    unwrap(await bus.reject(await take('five'), errorOf('AC_PLAN_MISSING', 'never'), []));
    const byStatus = async (status: 'pending' | 'processed' | 'failed'): Promise<readonly string[]> =>
      (await search({ status, type: 'ping' })).entries.map(({ envelope }) => envelope.id);
    expect(await byStatus('pending')).toStrictEqual([waiting, leased, delayed]);
    expect(await byStatus('processed')).toStrictEqual([done]);
    expect(await byStatus('failed')).toStrictEqual([buried]);
    const failed = (await search({ status: 'failed' })).entries[0];
    expect(failed?.deliveries).toMatchObject([{ queue: 'five', state: 'buried', count: 1 }]);
    const noted = envelopeTo(newId(), 'pong', {}, { context: {} });
    unwrap(await bus.send([{ envelope: noted, queue: null }]));
    expect((await search({ type: 'pong' })).entries).toMatchObject([{ status: null, deliveries: [] }]);
  });

  it('goes through more than one page of the store', async () => {
    const runId = await submit(bus, null);
    const notes = Array.from({ length: 450 }, (_, index) => envelopeTo(runId, 'task_note', { note: String(index) }));
    unwrap(await bus.send(notes.map((envelope) => ({ envelope, queue: null }))));
    for (const query of [{}, { run: runId }]) {
      const page = await search({ ...query, type: 'task_note', offset: 390, limit: 50 });
      expect(page.entries.map(({ envelope }) => envelope.id)).toStrictEqual(notes.slice(390, 440).map(({ id }) => id));
      expect(page.more).toBe(true);
    }
  });
});

describe('what is there', () => {
  it('is counted, also after runs were dropped', async () => {
    const [gone] = [await endedRun(), await submit(bus, null)];
    unwrap(
      await bus.send([{ envelope: envelopeTo(gone, 'task_progress', { attempt_id: 'a', message: 'm' }), queue: null }]),
    );
    expect(unwrap(await company.bus.statistics())).toMatchObject({
      adapter: 'sqlite',
      durability: 'machine',
      latency_class: 'host',
      streams: 3,
      entries: 4,
      last_position: 4,
      dead_letters: 0,
      queues: expect.arrayContaining([{ queue: 'engine', waiting: 1, delayed: 0, leased: 0 }]),
    });
    unwrap(await company.bus.purgeRun(gone, { dryRun: false }));
    expect(unwrap(await company.bus.statistics())).toMatchObject({ streams: 1, entries: 1, last_position: 4 });
    expect(unwrap(await company.bus.positionBefore(5))).toBe(0);
    expect(unwrap(await company.bus.positionBefore(0))).toBe(4);
  });

  it('is followed in commit order, across gaps', async () => {
    const early = await submit(bus, null);
    unwrap(await bus.complete(await take('engine'), []));
    const gone = await endedRun();
    unwrap(await company.bus.purgeRun(gone, { dryRun: false }));
    const late = await submit(bus, null);
    expect(unwrap(await company.bus.positionBefore(1))).toBe(3);
    const after = unwrap(await company.bus.positionBefore(2));
    const entries = await all(company.bus.tail({ after, follow: false, signal: never }));
    expect(entries.map(({ stream }) => stream)).toStrictEqual([early, late]);
    const stop = new AbortController();
    const seen: StreamEntry[] = [];
    const following = (async () => {
      for await (const entry of company.bus.tail({ after: 3, follow: true, signal: stop.signal })) {
        seen.push(unwrap(entry));
        if (seen.length === 2) stop.abort();
      }
    })();
    const next = await submit(bus, null);
    await following;
    expect(seen.map(({ stream }) => stream)).toStrictEqual([late, next]);
  });

  it('a store that ends under a reader is told as a failure', async () => {
    const reading = company.bus.tail({ after: 0, follow: true, signal: never })[Symbol.asyncIterator]();
    await submit(bus, null);
    expect(await reading.next()).toMatchObject({ value: { ok: true } });
    const next = reading.next();
    await company.close();
    expect(await next).toMatchObject({ value: { ok: false, error: { code: 'AC_BUS_CLOSED' } } });
  });
});

describe('dead letters', () => {
  it('H11 are listed, put back by the beginning of their id, all at once, or forgotten', async () => {
    const runs = [await submit(bus, null), await submit(bus, null), await submit(bus, null)];
    for (const _ of runs) unwrap(await bus.reject(await take('engine'), errorOf('AC_PLAN_MISSING', 'never'), []));
    const dead = unwrap(await company.bus.deadLetters());
    expect(dead.map(({ envelope }) => envelope.id)).toStrictEqual(runs);
    const [first, second, third] = dead.map(({ id }) => id);
    expect(unwrap(await company.bus.requeue(first!.slice(0, 20)))).toBe(first);
    expect(unwrap(await company.bus.purgeDeadLetter(second!))).toBe(second);
    for (const unknown of [first!, '', 'ffff'])
      expect(await company.bus.requeue(unknown)).toMatchObject({
        ok: false,
        error: { code: 'AC_BUS_UNKNOWN_DEAD_LETTER' },
      });
    expect(unwrap(await company.bus.requeueAll())).toStrictEqual([third]);
    expect(unwrap(await company.bus.deadLetters())).toStrictEqual([]);
    expect((await search({ run: runs[0]!, type: 'task_submit' })).entries[0]?.status).toBe('pending');
  });
});

describe('purging', () => {
  it('is refused for an open run, one with an open pull request included, and touches nothing', async () => {
    const [open, published] = [await submit(bus, null), await publishedRun()];
    expect(unwrap(await company.listRuns()).map(({ state }) => state)).toStrictEqual(['pending', 'published']);
    const before = unwrap(await company.bus.statistics());
    for (const runId of [open, published])
      expect(await company.bus.purgeRun(runId, { dryRun: false })).toMatchObject({
        ok: false,
        error: { code: 'AC_RUN_OPEN', remedy: expect.stringContaining(`agentcompany cancel ${runId}`) },
      });
    expect(unwrap(await company.bus.purgeBefore(Date.now() + 1e12, { dryRun: false }))).toStrictEqual([]);
    expect(unwrap(await company.bus.statistics())).toStrictEqual(before);
  });

  it('takes a run out of all lists, as a rebuild would; a dry run says so and does nothing', async () => {
    const [gone, kept] = [await endedRun(), await endedRun()];
    const planned = { run_id: gone, entries: 2, kept: null };
    expect(unwrap(await company.bus.purgeRun(gone, { dryRun: true }))).toStrictEqual(planned);
    expect(unwrap(await company.listRuns())).toHaveLength(2);
    expect(unwrap(await company.bus.purgeRun(gone.slice(0, 30), { dryRun: false }))).toStrictEqual(planned);
    expect(unwrap(await company.listRuns()).map(({ run_id: id }) => id)).toStrictEqual([kept]);
    expect(await company.showRun(gone)).toMatchObject({ ok: false, error: { code: 'AC_RUN_UNKNOWN' } });
    const exported = unwrap(await company.exportState());
    expect(unwrap(await company.rebuildState())).toStrictEqual({ runs: 1 });
    expect(unwrap(await company.exportState())).toBe(exported);
  });

  it('takes the dead letters of a run along, but none where something else keeps the run', async () => {
    const runId = await endedRun();
    unwrap(await bus.send([{ envelope: envelopeTo(runId, 'run_pause', { by: 'x' }) }]));
    unwrap(await bus.reject(await take('engine'), errorOf('AC_PLAN_MISSING', 'never'), []));
    for (let kept = 0; kept < 2; kept += 1) {
      const refused = await company.bus.purgeRun(runId, { dryRun: kept === 0 });
      expect(refused).toMatchObject({ ok: false, error: { code: 'AC_RUN_UNDELIVERED' } });
      expect(unwrap(await company.bus.deadLetters())).toHaveLength(1);
    }
    unwrap(await bus.complete(await take('engine'), []));
    expect(unwrap(await company.bus.purgeBefore(Date.now() - 60_000, { dryRun: false }))).toStrictEqual([]);
    expect(unwrap(await company.bus.deadLetters())).toHaveLength(1);
    expect(unwrap(await company.bus.purgeRun(runId, { dryRun: false }))).toMatchObject({ entries: 4, kept: null });
    expect([unwrap(await company.bus.deadLetters()), unwrap(await bus.streams())]).toStrictEqual([[], []]);
  });

  it('of all ended runs leaves those that are younger, and says what keeps the others', async () => {
    const [gone, letter] = [await endedRun(), await endedRun()];
    unwrap(await bus.send([{ envelope: envelopeTo(letter, 'run_pause', { by: 'x' }) }]));
    expect(unwrap(await company.bus.purgeBefore(Date.parse('2026-11-01'), { dryRun: true }))).toStrictEqual([]);
    const kept = { run_id: letter, entries: 0, kept: expect.objectContaining({ code: 'AC_RUN_UNDELIVERED' }) };
    const goes = { run_id: gone, entries: 2, kept: null };
    for (const dryRun of [true, false])
      expect(unwrap(await company.bus.purgeBefore(Date.now() + 60_000, { dryRun }))).toStrictEqual(
        [goes, kept].toSorted((left, right) => left.run_id.localeCompare(right.run_id)),
      );
    expect(await company.bus.purgeRun(letter, { dryRun: false })).toMatchObject({
      ok: false,
      error: { message: expect.stringContaining('deliveries that are not done (1)') },
    });
  });
});

describe('beside an engine at work', () => {
  it('a run that ended is purged, and the engine goes on with the others', async () => {
    const engine = new AbortController();
    const decided: string[] = [];
    const deciding = decideForever({
      bus,
      folds: new RunFolds(bus),
      leaseMs: 60_000,
      signal: engine.signal,
      log: () => undefined,
      onDecided: (run) => void decided.push(`${run.id} ${run.state}`),
    });
    const cancelled = async (): Promise<string> => {
      const runId = await submit(bus, planOf({ a: [] }));
      await expect.poll(() => decided).toContain(`${runId} planning`);
      unwrap(await company.cancelRun(runId, 'enough'));
      await expect.poll(() => decided).toContain(`${runId} cancelled`);
      unwrap(await bus.complete(await take('manager'), []));
      return runId;
    };
    const gone = await cancelled();
    expect(unwrap(await company.bus.purgeRun(gone, { dryRun: false })).entries).toBeGreaterThan(3);
    const next = await cancelled();
    expect(unwrap(await company.listRuns()).map(({ run_id: id }) => id)).toStrictEqual([next]);
    engine.abort();
    expect(await deciding).toMatchObject({ ok: true });
    expect(unwrap(await company.bus.deadLetters())).toStrictEqual([]);
  });
});

function digest(file: string): string {
  return createHash('sha256').update(readFileSync(file)).digest('hex');
}

describe('export and import', () => {
  it('S84 move a whole company, also while it is written to; its envelopes are the same byte for byte', async () => {
    await endedRun();
    await submit(bus, planOf({ a: [], b: ['a'] }));
    const file = join(folder, 'out.ndjson.gz');
    const [written] = await Promise.all([
      company.bus.exportTo(file),
      ...Array.from({ length: 20 }, () => submit(bus, null)),
    ]);
    const lines = gunzipSync(readFileSync(file)).toString().trimEnd().split('\n');
    expect(unwrap(written)).toStrictEqual({ records: lines.length, bytes: statSync(file).size });
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readdirSync(folder).filter((name) => name.endsWith('.part'))).toStrictEqual([]);
    const records = lines.map((line) => JSON.parse(line) as BusRecord);
    const entries = records.filter((record) => record.kind === 'entry');

    const next = await openAt(join(folder, 'next'));
    const imported = unwrap(await next.company.bus.importFrom(file));
    const runs = new Set(entries.map(({ stream }) => stream)).size;
    expect(imported).toStrictEqual({ entries: entries.length, runs });
    expect(unwrap(await next.company.listRuns())).toHaveLength(runs);
    const read = await all(next.company.bus.tail({ after: 0, follow: false, signal: never }));
    expect(read.map(({ envelope }) => JSON.stringify(envelope))).toStrictEqual(
      entries.map(({ envelope }) => JSON.stringify(envelope)),
    );
    const again = await all(next.company.bus.exportRecords());
    expect(again.filter(({ kind }) => kind === 'entry')).toStrictEqual(entries);
    expect(await next.company.bus.importFrom(file)).toMatchObject({ ok: false, error: { code: 'AC_BUS_NOT_EMPTY' } });
  });

  it('an export that fails leaves what was there before', async () => {
    await endedRun();
    const file = join(folder, 'out.ndjson');
    writeFileSync(file, 'before');
    await company.close();
    expect(await company.bus.exportTo(file)).toMatchObject({ ok: false, error: { code: 'AC_BUS_CLOSED' } });
    expect([readFileSync(file, 'utf8'), readdirSync(folder).toSorted()]).toStrictEqual([
      'before',
      ['home', 'out.ndjson'],
    ]);
    expect(await company.bus.exportTo(join(folder, 'no', 'such', 'folder'))).toMatchObject({
      ok: false,
      error: { code: 'AC_EXPORT_UNWRITABLE', cause: expect.stringContaining('ENOENT') },
    });
  });

  it('an import waits for no engine: where one lives it is refused', async () => {
    const file = join(folder, 'out.ndjson');
    unwrap(await company.bus.exportTo(file));
    const next = await openAt(join(folder, 'next'));
    const lock = unwrap(takeEngineLock(next.home.lockFile));
    expect(await next.company.bus.importFrom(file)).toMatchObject({ ok: false, error: { code: 'AC_ENGINE_RUNNING' } });
    lock.release();
    unwrap(await next.company.bus.importFrom(file));
    expect(await next.company.enginePid()).toBeNull();
  });

  it.each([
    ['no such file', null, 'AC_IMPORT_UNREADABLE', 'ENOENT'],
    ['what is no JSON', (text: string) => text.replace('{', '('), 'AC_BUS_EXPORT_INVALID', 'record 1'],
    ['a record of no kind', (text: string) => text.replace('"entry"', '"gift"'), 'AC_BUS_EXPORT_INVALID', 'record 2'],
    ['one that is cut short', (text: string) => text.slice(0, -60), 'AC_BUS_EXPORT_INVALID', ''],
    ['one without its end', (text: string) => text.replace(/.*"kind":"end".*\n/, ''), 'AC_BUS_EXPORT_INVALID', ''],
  ])('an import refuses %s, and nothing of it is there', async (_, spoil, code, word) => {
    await endedRun();
    const file = join(folder, 'out.ndjson');
    unwrap(await company.bus.exportTo(file));
    if (spoil === null) rmSync(file);
    else writeFileSync(file, spoil(readFileSync(file, 'utf8')));
    const next = await openAt(join(folder, 'next'));
    const refused = await next.company.bus.importFrom(file);
    expect(refused).toMatchObject({ ok: false, error: { code } });
    expect(JSON.stringify(refused)).toContain(word);
    expect(unwrap(await next.company.bus.statistics())).toMatchObject({ streams: 0, entries: 0 });
    expect(unwrap(await next.company.listRuns())).toStrictEqual([]);
  });

  it('an import refuses bytes that are not what their name says', async () => {
    const file = join(folder, 'plain.ndjson.gz');
    unwrap(await company.bus.exportTo(join(folder, 'plain.ndjson')));
    writeFileSync(file, readFileSync(join(folder, 'plain.ndjson')));
    const before = digest(file);
    const next = await openAt(join(folder, 'next'));
    expect(await next.company.bus.importFrom(file)).toMatchObject({
      ok: false,
      error: { code: 'AC_IMPORT_UNREADABLE' },
    });
    expect([digest(file), existsSync(home.busFolder)]).toStrictEqual([before, true]);
  });
});
