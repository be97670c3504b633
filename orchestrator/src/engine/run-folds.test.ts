import { newId, unwrap } from '@agentcompany/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { RunFolds } from './run-folds.ts';
import { altered, envelopeTo, ledgerOnDisk, submit, type LedgerOnDisk } from './testing/ledger-on-disk.ts';

let ledger: LedgerOnDisk;
beforeEach(async () => void (ledger = await ledgerOnDisk()));
afterEach(() => ledger.remove());

describe('the folds of a process', () => {
  it('read each entry once, however many ask at the same time', async () => {
    const bus = await ledger.open();
    const runId = await submit(bus, null);
    const from: number[] = [];
    const counting = altered(bus, {
      readStream: (stream, options) => (from.push(options.after), bus.readStream(stream, options)),
    });
    const folds = new RunFolds(counting);
    const first = await Promise.all([folds.refresh(runId), folds.refresh(runId), folds.refresh(runId)]);
    unwrap(await bus.send([{ envelope: envelopeTo(runId, 'run_pause', { by: 'x' }), queue: null }]));
    const second = unwrap(await folds.refresh(runId));
    expect(second).toMatchObject({ state: 'paused', version: 2, refused: 0 });
    expect(new Set([...first.map(unwrap), second]).size).toBe(1);
    expect(from).toStrictEqual([0, 1, 1]);
  });

  it('see what was appended while an earlier read was under way', async () => {
    const bus = await ledger.open();
    const runId = await submit(bus, null);
    const folds = new RunFolds(bus);
    const early = folds.refresh(runId);
    unwrap(await bus.send([{ envelope: envelopeTo(runId, 'run_pause', { by: 'x' }), queue: null }]));
    expect(unwrap(await folds.refresh(runId))?.state).toBe('paused');
    unwrap(await early);
  });

  it('still know a run that is let go of while its stream is being read', async () => {
    const bus = await ledger.open();
    const runId = await submit(bus, null);
    let letGo = (): void => undefined;
    const watched = altered(bus, {
      readStream: async (...parameters) => {
        const read = await bus.readStream(...parameters);
        letGo();
        return read;
      },
    });
    const folds = new RunFolds(watched);
    unwrap(await folds.refresh(runId));
    letGo = () => folds.forget(runId);
    expect(unwrap(await folds.refresh(runId))?.id).toBe(runId);
    unwrap(await bus.send([{ envelope: envelopeTo(runId, 'run_pause', { by: 'x' }), queue: null }]));
    expect(unwrap(await folds.refresh(runId))?.state).toBe('paused');
  });

  it('know no run where the stream does not begin with a submission', async () => {
    const bus = await ledger.open();
    const ghost = newId();
    const folds = new RunFolds(bus);
    expect(unwrap(await folds.refresh(ghost))).toBeNull();
    unwrap(await bus.send([{ envelope: envelopeTo(ghost, 'run_pause', { by: 'x' }), queue: null }]));
    expect(unwrap(await folds.refresh(ghost))).toBeNull();
  });
});
