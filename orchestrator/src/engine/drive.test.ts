import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { AgentBus } from '@agentcompany/agent-bus';
import { failure, success, unwrap } from '@agentcompany/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { errorOf, planOf } from '../company/testing/fixtures.ts';
import type { WorkerRunner } from '../containers/worker-runner.ts';
import { drive } from './drive.ts';
import { localRepositories } from './local-repositories.ts';
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

async function partsOf(
  parts: Partial<Pick<EngineParts, 'bus' | 'project'>>,
  runner: WorkerRunner = runnerOf(async () => failure(errorOf('AC_WORKER_EXITED'))),
): Promise<EngineParts> {
  const folders = ['bundlesFolder', 'quarantineFolder', 'runsFolder'].map(
    (name) => [name, join(ledger.folder, name)] as const,
  );
  for (const [, folder] of folders) await mkdir(folder);
  const home = Object.fromEntries(folders) as unknown as EngineParts['home'];
  const project: EngineParts['project'] =
    parts.project ?? (async () => failure(errorOf('AC_PROJECT_UNKNOWN', 'never')));
  const common = {
    bus: parts.bus ?? bus,
    folds: new RunFolds(bus),
    leaseMs: 60_000,
    log: () => undefined,
  };
  return {
    ...common,
    home,
    project,
    serveHosts: null,
    host: {
      ...common,
      folders: home,
      instance: 'instance',
      hostId: 'host',
      runner,
      repositories: localRepositories(project),
      maximumWorkers: 2,
      tell: () => undefined,
    },
  };
}

function runnerOf(run: WorkerRunner['run']): WorkerRunner {
  return { run, sweep: async () => success(0), close: async () => undefined };
}

const repositories = {
  mirrorFolder: '/nowhere',
  synchronize: async () => success(),
  branchTip: async () => success('base'),
  createRunBranch: async () => success(),
  followLedger: async () => success(),
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
    const project: EngineParts['project'] = async () => {
      if (isBroken) throw new Error('a bug');
      return success({ repositories } as never);
    };
    const parts = await partsOf({ project }, runner);
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
        ? failure(errorOf('AC_BUS_CLOSED', 'never'))
        : bus.receive(queue, options);
    };
    const parts = await partsOf({ bus: altered(bus, { receive }) });
    const driven = await drive(parts, { open: [], until: null, signal: AbortSignal.timeout(60_000) });
    expect(driven).toMatchObject({ ok: false, error: { code: 'AC_BUS_CLOSED' } });
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
