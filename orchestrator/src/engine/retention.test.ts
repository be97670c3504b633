import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { AgentBus } from '@agentcompany/agent-bus';
import { newId, unwrap } from '@agentcompany/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { initHome, type CompanyHome } from '../company-home.ts';
import { errorOf } from '../company/testing/fixtures.ts';
import { finishPurges, progressStream, purgeRun } from './purge-run.ts';
import { ReadModel } from './read-model.ts';
import { applyRetention, keepRetention, type RetentionParts } from './retention.ts';
import { attemptLog, runFolder } from './run-files.ts';
import { RunFolds } from './run-folds.ts';
import { altered, envelopeTo, ledgerOnDisk, submit, type LedgerOnDisk } from './testing/ledger-on-disk.ts';

const day = 86_400_000;
let ledger: LedgerOnDisk;
let home: CompanyHome;
let bus: AgentBus;
let model: ReadModel;
let notes: string[];
beforeEach(async () => {
  ledger = await ledgerOnDisk();
  home = unwrap(initHome(join(ledger.folder, 'home')));
  bus = await ledger.open();
  model = unwrap(ReadModel.open(bus, home.readModelFile, 'here'));
  notes = [];
});
afterEach(async () => {
  model.close();
  await ledger.remove();
});

/** The engine's housekeeping, on a day so many days from now. */
function after(days: number, more: Partial<RetentionParts> = {}): RetentionParts {
  const log = (event: string): void => void notes.push(event);
  return { home, bus, model, log, now: () => Date.now() + days * day, runDays: 90, progressDays: 7, ...more };
}

/** A run with a log and progress on record, whose deliveries are all done. */
async function run(end: 'failed' | null): Promise<string> {
  const runId = await submit(bus, null);
  const [delivery] = unwrap(await bus.receive('engine', { max: 1, waitMs: 0, leaseMs: 1000 }));
  const today = { created_at: new Date().toISOString() };
  const progress = envelopeTo(runId, 'task_progress', { attempt_id: 'a', message: 'half way' }, today);
  const ended =
    end === 'failed'
      ? [
          {
            envelope: envelopeTo(runId, 'run_failed', { error: errorOf('AC_PLAN_MISSING', 'never') }, today),
            queue: null,
          },
        ]
      : [];
  unwrap(await bus.complete(delivery!, [{ envelope: progress, queue: null }, ...ended]));
  const log = attemptLog(home, runId, 'a');
  await mkdir(dirname(log), { recursive: true });
  await writeFile(log, 'what it said');
  return runId;
}

async function streams(): Promise<readonly string[]> {
  return unwrap(await bus.streams()).toSorted();
}

describe('retention', () => {
  it('forgets what ended long ago, with progress, logs and its line, and never touches an open run', async () => {
    const [open, closed] = [await run(null), await run('failed')];
    unwrap(await model.refresh());
    expect(unwrap(await applyRetention(after(89)))).toStrictEqual({ runs: 0, entries: 1 });
    expect(await streams()).toStrictEqual([closed, open, progressStream(open)].toSorted());
    expect(unwrap(await applyRetention(after(91)))).toStrictEqual({ runs: 1, entries: 2 });
    expect(await streams()).toStrictEqual([open, progressStream(open)].toSorted());
    expect([existsSync(runFolder(home, closed)), existsSync(attemptLog(home, open, 'a'))]).toStrictEqual([false, true]);
    expect(model.summaries().map(({ run_id: id }) => id)).toStrictEqual([open]);
    const kept = model.export();
    unwrap(await model.rebuild());
    expect(model.export()).toBe(kept);
    expect(unwrap(await applyRetention(after(36_000)))).toStrictEqual({ runs: 0, entries: 0 });
    expect(await streams()).toStrictEqual([open, progressStream(open)].toSorted());
  });

  it('keeps all for ever where it is told so', async () => {
    await run('failed');
    const before = await streams();
    expect(unwrap(await applyRetention(after(36_000, { runDays: null, progressDays: null })))).toStrictEqual({
      runs: 0,
      entries: 0,
    });
    expect(await streams()).toStrictEqual(before);
  });

  it('drops progress by its own time, and names no stream that is gone', async () => {
    const closed = await run('failed');
    const named: string[] = [];
    const counting = altered(bus, { compact: (options) => (named.push(...options.streams), bus.compact(options)) });
    const parts = { runDays: null, bus: counting };
    expect(unwrap(await applyRetention(after(6, parts)))).toMatchObject({ entries: 0 });
    expect(unwrap(await applyRetention(after(8, parts)))).toMatchObject({ entries: 1 });
    expect(unwrap(await applyRetention(after(9, parts)))).toMatchObject({ entries: 0 });
    expect(named).toStrictEqual([progressStream(closed)]);
  });

  it('lets the store give up what is spent, also where nothing is to be forgotten', async () => {
    const compacted: unknown[] = [];
    const compact: AgentBus['compact'] = (options) => {
      compacted.push(options);
      return bus.compact(options);
    };
    const stop = new AbortController();
    const keeping = keepRetention(
      after(0, { bus: altered(bus, { compact }), runDays: null, progressDays: null }),
      stop.signal,
    );
    await expect.poll(() => compacted).toStrictEqual([{ closedBefore: 0, streams: [] }]);
    stop.abort();
    await keeping;
  });

  it('is applied at once by the engine, noted, and ended with it; a failure is noted and ends nothing', async () => {
    await run('failed');
    const stop = new AbortController();
    const keeping = keepRetention(after(91), stop.signal);
    await expect.poll(() => notes).toStrictEqual(['retention-applied']);
    stop.abort();
    await keeping;
    const closed = await ledger.open();
    await closed.close();
    const again = new AbortController();
    const failing = keepRetention(after(91, { bus: closed, model: unwrapModel(closed) }), again.signal);
    await expect.poll(() => notes.at(-1)).toBe('retention-failed');
    again.abort();
    await failing;
  });
});

function unwrapModel(other: AgentBus): ReadModel {
  model.close();
  model = unwrap(ReadModel.open(other, join(ledger.folder, 'other.db'), 'here'));
  return model;
}

describe('forgetting a run', () => {
  it('is refused by what is not done, and then leaves the run whole', async () => {
    const closed = await run('failed');
    unwrap(await bus.send([{ envelope: envelopeTo(closed, 'run_pause', { by: 'x' }) }]));
    unwrap(await model.refresh());
    expect(unwrap(await purgeRun({ home, bus, model }, closed, Number.MAX_SAFE_INTEGER))).toBe(0);
    expect(unwrap(await bus.streamVersion(closed))).toBe(3);
    expect([model.view(closed)?.state, existsSync(attemptLog(home, closed, 'a'))]).toStrictEqual(['failed', true]);
    unwrap(await finishPurges({ home, bus }));
    expect(existsSync(attemptLog(home, closed, 'a'))).toBe(true);
  });

  it('S65 ended by a crash at any step is ended by the next start or can be repeated', async () => {
    const steps = ['progress', 'stream', 'files'] as const;
    for (const died of steps) {
      const closed = await run('failed');
      unwrap(await model.refresh());
      let calls = 0;
      const dying = altered(bus, {
        compact: async (options) => {
          calls += 1;
          if (died === 'progress' && calls === 1) throw new Error('killed');
          const done = await bus.compact(options);
          if (died === 'stream' && calls === 1) throw new Error('killed');
          if (died === 'files' && calls === 2) throw new Error('killed');
          return done;
        },
      });
      await expect(purgeRun({ home, bus: dying, model }, closed, Number.MAX_SAFE_INTEGER)).rejects.toThrow('killed');
      const next = unwrap(ReadModel.open(bus, home.readModelFile, 'here'));
      unwrap(await finishPurges({ home, bus }));
      unwrap(await next.refresh());
      const isGone = died === 'files';
      expect([next.view(closed) === null, existsSync(runFolder(home, closed))]).toStrictEqual([isGone, !isGone]);
      unwrap(await purgeRun({ home, bus, model: next }, closed, Number.MAX_SAFE_INTEGER));
      expect([await streams(), next.view(closed), existsSync(runFolder(home, closed))]).toStrictEqual([
        [],
        null,
        false,
      ]);
      next.close();
    }
  });

  it('is nothing to a process that has folded it: to the folds the run is unknown, and others go on', async () => {
    const [open, closed] = [await run(null), await run('failed')];
    const folds = new RunFolds(bus);
    unwrap(await folds.refresh(open));
    unwrap(await folds.refresh(closed));
    folds.forget(closed);
    unwrap(await purgeRun({ home, bus: await ledger.open(), model }, closed, Number.MAX_SAFE_INTEGER));
    expect(unwrap(await folds.refresh(closed))).toBeNull();
    unwrap(await bus.send([{ envelope: envelopeTo(open, 'run_pause', { by: 'x' }), queue: null }]));
    expect(unwrap(await folds.refresh(open))).toMatchObject({ state: 'paused' });
    unwrap(await bus.send([{ envelope: envelopeTo(newId(), 'run_pause', { by: 'x' }), queue: null }]));
    unwrap(await model.refresh());
    expect(model.summaries().map(({ run_id: id }) => id)).toStrictEqual([open]);
  });
});
