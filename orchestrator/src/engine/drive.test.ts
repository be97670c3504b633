import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
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
import { noWayOut, nothingOpened } from '../door/attempt-services.ts';

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
    makePlan: null,
    triage: null,
    reviewByModel: null,
    secrets: [],
    serveHosts: null,
    host: {
      ...common,
      folders: home,
      instance: 'instance',
      hostId: 'host',
      runner,
      repositories: localRepositories(project),
      openServices: async () => success(nothingOpened),
      openEgress: async () => noWayOut,
      maximumWorkers: 2,
      tell: () => undefined,
    },
  };
}

function runnerOf(run: WorkerRunner['run']): WorkerRunner {
  return {
    run,
    pinImage: async () => success('sha256:image'),
    sweep: async () => success(0),
    close: async () => undefined,
  };
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

  it('keeps at its start what attempts that are still open have handed over, and nothing else', async () => {
    const begun = Promise.withResolvers<string>();
    const runner = runnerOf(async ({ owner, signal }) => {
      begun.resolve(owner.attempt);
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
      return failure(errorOf('AC_ENGINE_AWAY', 'later'));
    });
    const parts = await partsOf({ project: async () => success({ repositories } as never) }, runner);
    const runId = await submit(bus, planOf({ a: [] }));
    const stop = new AbortController();
    // It dies while the attempt is at work, as by SIGKILL: nothing says that the attempt is lost.
    const mute: EngineParts = {
      ...parts,
      host: { ...(parts.host ?? fail()), bus: altered(bus, { send: whileOpen(stop.signal) }) },
    };
    const driving = drive(mute, { open: [], until: null, signal: stop.signal });
    const attempt = await begun.promise;
    stop.abort();
    await driving;
    const folder = parts.home.bundlesFolder;
    for (const name of [`${attempt}.bundle`, `${attempt}.bundle.1.part`, 'of-nobody.bundle'])
      await writeFile(join(folder, name), '');
    const again = new AbortController();
    again.abort();
    unwrap(
      await drive(
        { ...parts, folds: new RunFolds(bus), host: null },
        { open: [runId], until: null, signal: again.signal },
      ),
    );
    expect(await readdir(folder)).toStrictEqual([`${attempt}.bundle`]);
  });

  it('removes what attempts have handed over that came to nothing, once their run is settled', async () => {
    const bundles: string[] = [];
    const runner = runnerOf(async ({ bundleFile }) => {
      bundles.push(bundleFile ?? '');
      await writeFile(bundleFile ?? '', 'of no use');
      return failure(errorOf('AC_WORK_FAILED', 'never'));
    });
    const parts = await partsOf({ project: async () => success({ repositories } as never) }, runner);
    const runId = await submit(bus, planOf({ a: [] }));
    unwrap(await drive(parts, { open: [runId], until: [runId], signal: AbortSignal.timeout(60_000) }));
    expect(bundles.length).toBe(1);
    expect(await readdir(parts.home.bundlesFolder)).toStrictEqual([]);
  });

  it('opens the way for other machines once it has swept, and closes it with its end', async () => {
    const events: string[] = [];
    const parts = await partsOf({});
    const sweep: WorkerRunner['sweep'] = async () => (events.push('swept'), success(0));
    const serveHosts: EngineParts['serveHosts'] = async () => {
      events.push('open');
      return success({ close: async () => void events.push('closed') });
    };
    const runner = { ...(parts.host ?? fail()).runner, sweep };
    const stop = new AbortController();
    stop.abort();
    unwrap(
      await drive(
        { ...parts, serveHosts, host: { ...(parts.host ?? fail()), runner } },
        { open: [], until: null, signal: stop.signal },
      ),
    );
    expect(events).toStrictEqual(['swept', 'open', 'closed']);
  });

  it('does not start where other machines cannot be let in', async () => {
    const parts = await partsOf({});
    const serveHosts = async () => failure(errorOf('AC_API_LISTEN', 'never'));
    const driven = await drive(
      { ...parts, serveHosts },
      { open: [], until: null, signal: AbortSignal.timeout(60_000) },
    );
    expect(driven).toMatchObject({ ok: false, error: { code: 'AC_API_LISTEN' } });
  });
});

function fail(): never {
  throw new Error('there is no host');
}

/** Sends until the signal aborts; from then on nothing arrives, and nobody is told. */
function whileOpen(signal: AbortSignal): AgentBus['send'] {
  return async (items, options) =>
    signal.aborted ? failure(errorOf('AC_BUS_CLOSED', 'never')) : bus.send(items, options);
}
