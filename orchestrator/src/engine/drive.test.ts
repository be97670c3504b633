import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { AgentBus } from '@agentcompany/agent-bus';
import { failure, success, unwrap } from '@agentcompany/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { errorOf, planOf } from '../company/testing/fixtures.ts';
import type { WorkerRunner } from '../containers/worker-runner.ts';
import { drive } from './drive.ts';
import type { EngineParts } from './parts.ts';
import { RunFolds } from './run-folds.ts';
import { altered, ledgerOnDisk, submit, type LedgerOnDisk } from './testing/ledger-on-disk.ts';

let ledger: LedgerOnDisk;
let bus: AgentBus;
beforeEach(async () => {
  ledger = await ledgerOnDisk();
  bus = await ledger.open();
});
afterEach(() => ledger.remove());

async function partsOf(parts: Partial<EngineParts>): Promise<EngineParts> {
  const folders = ['bundlesFolder', 'quarantineFolder', 'runsFolder'].map(
    (name) => [name, join(ledger.folder, name)] as const,
  );
  for (const [, folder] of folders) await mkdir(folder);
  const known: Partial<EngineParts> = {
    home: Object.fromEntries(folders) as unknown as EngineParts['home'],
    instance: 'instance',
    hostId: 'host',
    makePlan: null,
    bus,
    folds: new RunFolds(bus),
    runner: runnerOf(async () => failure(errorOf('AC_WORKER_EXITED'))),
    project: async () => failure(errorOf('AC_PROJECT_UNKNOWN', 'never')),
    maximumWorkers: 2,
    leaseMs: 60_000,
    log: () => undefined,
    ...parts,
  };
  return known as EngineParts;
}

function runnerOf(run: WorkerRunner['run']): WorkerRunner {
  return { run, sweep: async () => success(0), close: async () => undefined };
}

const repositories = {
  mirrorFolder: '/nowhere',
  synchronize: async () => success(),
  branchTip: async () => success('base'),
  createRunBranch: async () => success(),
  runTip: async () => success('base'),
};

describe('the engine at work', () => {
  it('ends all its work before a bug in one of its loops comes out', async () => {
    const begun = Promise.withResolvers<void>();
    const events: string[] = [];
    const runner = runnerOf(async ({ signal }) => {
      begun.resolve();
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
      await bus.queues();
      events.push('container gone');
      return failure(errorOf('AC_WORKER_CANCELLED', 'never'));
    });
    let isBroken = false;
    const parts = await partsOf({
      runner,
      project: async () => {
        if (isBroken) throw new Error('a bug');
        return success({ repositories } as never);
      },
    });
    const driving = drive(parts, { open: [], until: null, signal: AbortSignal.timeout(60_000) });
    const outcome = driving.catch((cause: unknown) => events.push(String(cause)));
    await submit(bus, planOf({ a: [] }));
    await begun.promise;
    isBroken = true;
    await submit(bus, planOf({ b: [] }));
    await outcome;
    expect(events).toStrictEqual(['container gone', 'Error: a bug']);
  });

  it('stops as a whole, and says why, when one slot for workers cannot go on', async () => {
    let slots = 0;
    const receive: AgentBus['receive'] = async (queue, options) => {
      if (queue === 'workers') slots += 1;
      return queue === 'workers' && slots === 2
        ? failure(errorOf('AC_BUS_BUSY', 'later'))
        : bus.receive(queue, options);
    };
    const parts = await partsOf({ bus: altered(bus, { receive }) });
    const driven = await drive(parts, { open: [], until: null, signal: AbortSignal.timeout(60_000) });
    expect(driven).toMatchObject({ ok: false, error: { code: 'AC_BUS_BUSY' } });
  });

  it('C30 has written how a run ended when it ends itself', async () => {
    const runId = await submit(bus, null);
    const parts = await partsOf({ project: async () => success({ repositories } as never) });
    unwrap(await drive(parts, { open: [runId], until: [runId], signal: AbortSignal.timeout(60_000) }));
    const folder = join(parts.home.runsFolder, runId);
    expect(await readFile(join(folder, 'summary.md'), 'utf8')).toContain(`Run ${runId}: failed`);
    expect(JSON.parse(await readFile(join(folder, 'execution_result.json'), 'utf8'))).toMatchObject({
      status: 'failed',
      errors: [{ code: 'AC_PLAN_MISSING' }],
    });
  });
});
