import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { failure, success, unwrap, type Result } from '@agentcompany/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { MadePlan } from '../agents/manager/plan-with-model.ts';
import { initHome, type CompanyHome } from '../company-home.ts';
import { openedRun } from '../company/testing/fixtures.ts';
import { loadConfig } from '../config.ts';
import { modelErrors } from '../models/errors.ts';
import type { CallRecord } from '../models/model.ts';
import { unlimitedPurse } from '../models/purse.ts';
import { anthropicDialect } from '../models/testing/anthropic-dialect.ts';
import { openLoopbackServer, type LoopbackServer } from '../models/testing/loopback-server.ts';
import type { OpenPurse } from '../open-attempt-models.ts';
import { openPlanMaker } from './plan-maker.ts';

const key = 'a-key-of-this-test';
let home: CompanyHome;
let server: LoopbackServer;
beforeEach(async () => {
  home = unwrap(initHome(mkdtempSync(join(tmpdir(), 'agentcompany-planning-'))));
  server = await openLoopbackServer({ dialect: anthropicDialect, key, models: [] });
});
afterEach(async () => {
  await server.close();
  rmSync(home.root, { recursive: true, force: true });
});

/** Plans as an engine that has just started does. */
async function plan(openPurse: OpenPurse = async () => success(unlimitedPurse), record_models = true) {
  const environment = { ANTHROPIC_API_KEY: key };
  const anthropic = { base_url: server.url };
  const prices = [{ model: 'claude-haiku-4-5', input: 1, output: 5 }];
  const flags = { model: 'anthropic:claude-haiku-4-5', models: { anthropic, prices }, record_models };
  const options = { home, environment, config: unwrap(loadConfig({ home, environment, flags })).config };
  const maker = openPlanMaker(options, { ...options, openPurse, onUnrecorded: (error) => expect(error).toBeNull() });
  const paid: CallRecord[] = [];
  const readFile = async (): Promise<Result<string | null>> => success(null);
  const order = { instruction: 'Do it.', files: ['a.ts'], readFile, verify: [], agents: [] };
  const signal = new AbortController().signal;
  const made = await maker!(order, { run: openedRun(null), signal, onCall: (call) => paid.push(call) });
  return { made, paid };
}

function answerWithPlan(): void {
  const tasks = [{ id: 'a', title: 'A', instructions: 'Do a.', run: { command: 'touch a' } }];
  server.next({ kind: 'answer', answer: { texts: ['no plan at all'] } });
  server.next({ kind: 'answer', answer: { texts: [JSON.stringify({ title: 'All', tasks })] } });
}

const told = ({ calls }: MadePlan): readonly unknown[] => calls.map(({ model, cost_usd }) => [model, cost_usd]);

describe('the plan of a run', () => {
  it('is paid once: an engine that lost it before it was on record gets it again, and its cost is on record all the same', async () => {
    answerWithPlan();
    const first = await plan();
    expect([first.paid.length, server.seen.length]).toEqual([2, 2]);
    const second = await plan();
    expect([second.paid, server.seen.length]).toEqual([[], 2]);
    expect(unwrap(second.made).plan).toEqual(unwrap(first.made).plan);
    expect(told(unwrap(second.made))).toEqual(told(unwrap(first.made)));
    expect(told(unwrap(first.made))).toHaveLength(2);
  });

  it('is paid again where nothing is recorded', async () => {
    answerWithPlan();
    await plan(undefined, false);
    answerWithPlan();
    await plan(undefined, false);
    expect(server.seen).toHaveLength(4);
  });

  it('comes out of the run’s own purse', async () => {
    const payers: unknown[] = [];
    const spent = modelErrors.AC_BUDGET_SPENT({ run: 'r', left: '$0.0000' });
    const openPurse: OpenPurse = async ({ run, attempt }) => {
      payers.push([run.id, attempt]);
      return success({ reserve: async () => failure(spent) });
    };
    expect((await plan(openPurse)).made).toEqual(failure(spent));
    expect([payers, server.seen]).toEqual([[[openedRun(null).id, null]], []]);
  });
});
