import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openBus, type AgentBus } from '@agentcompany/agent-bus';
import { unwrap } from '@agentcompany/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { initHome, type CompanyHome } from '../company-home.ts';
import { errorOf, planOf } from '../company/testing/fixtures.ts';
import { loadConfig, type Config } from '../config.ts';
import { takeEngineLock } from '../engine/engine-lock.ts';
import { envelopeTo, submit } from '../engine/testing/ledger-on-disk.ts';
import { busOptions } from '../home-bus.ts';
import { openCompany } from '../open-company.ts';
import { readRuns } from './read-runs.ts';

describe.each(['file', 'sqlite'] as const)('runs on record, read without the store: %s', (adapter) => {
  let home: CompanyHome;
  let config: Config;
  /** Another process on the same store. */
  let bus: AgentBus;

  beforeEach(async () => {
    home = unwrap(initHome(mkdtempSync(join(tmpdir(), 'read-runs-'))));
    ({ config } = unwrap(loadConfig({ home, environment: { AGENTCOMPANY_MESSAGE_QUEUE: adapter } })));
    bus = unwrap(await openBus(unwrap(busOptions(home, config))));
  });
  afterEach(async () => {
    await bus.close();
    rmSync(home.root, { recursive: true, force: true });
  });

  /** What the company says when it is opened, which brings the read model up to date. */
  async function opened(): Promise<unknown> {
    const company = unwrap(await openCompany(home, { environment: {}, installation: home.root, config }));
    const runs = unwrap(await company.listRuns());
    await company.close();
    return runs;
  }

  const read = async (): Promise<unknown> => {
    const reader = await readRuns(home, config);
    return reader === null ? null : unwrap(await reader.listRuns());
  };

  it('P11 says what the opened company says, and nothing from an acknowledged change on until that was opened again', async () => {
    expect(await read()).toBeNull();
    const runId = await submit(bus, planOf({ a: [] }));
    expect(await read()).toBeNull();
    const first = await opened();
    expect(first).toMatchObject([{ run_id: runId, state: 'pending' }]);
    expect(await read()).toEqual(first);
    const failed = envelopeTo(runId, 'run_failed', { error: errorOf('AC_PLAN_MISSING', 'never') });
    unwrap(await bus.send([{ envelope: failed, queue: null }]));
    expect(await read()).toBeNull();
    expect(await opened()).toMatchObject([{ run_id: runId, state: 'failed' }]);
    expect(await read()).toMatchObject([{ run_id: runId, state: 'failed' }]);
  });

  it('P11 shows no run that a process dropped and died before it told the read model', async () => {
    const runId = await submit(bus, planOf({ a: [] }));
    const kept = await submit(bus, planOf({ a: [] }));
    for (const delivery of unwrap(await bus.receive('engine', { max: 2, waitMs: 0, leaseMs: 60_000 })))
      unwrap(await bus.complete(delivery, []));
    await opened();
    expect(await read()).toHaveLength(2);
    const dropped = await bus.compact({ closedBefore: Number.MAX_SAFE_INTEGER, streams: [runId] });
    expect(unwrap(dropped).streams).toBe(1);
    expect(await read()).toBeNull();
    await opened();
    expect(await read()).toMatchObject([{ run_id: kept }]);
  });

  it('P11 knows whether an engine is at work', async () => {
    await submit(bus, null);
    await opened();
    const pid = async (): Promise<unknown> => (await readRuns(home, config))?.enginePid();
    expect(await pid()).toBeNull();
    const lock = unwrap(takeEngineLock(home.lockFile));
    expect(await pid()).toBe(process.pid);
    lock.release();
  });

  it('P11 takes the model of no other store for this one', async () => {
    await submit(bus, null);
    await opened();
    const other = adapter === 'file' ? 'sqlite' : 'file';
    const { config: changed } = unwrap(loadConfig({ home, environment: { AGENTCOMPANY_MESSAGE_QUEUE: other } }));
    const elsewhere = unwrap(await openBus(unwrap(busOptions(home, changed))));
    await submit(elsewhere, null);
    expect(await readRuns(home, changed)).toBeNull();
    await elsewhere.close();
  });
});
