import { agentDefinition, success, unwrap } from '@agentcompany/protocol';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { initHome } from './company-home.ts';
import { openRun } from './company/fold.ts';
import { planOf, settingsOf } from './company/testing/fixtures.ts';
import { loadConfig } from './config.ts';
import { chatEvents, openTestDoor } from './door/testing/open-test-door.ts';
import { envelopeTo } from './engine/testing/ledger-on-disk.ts';
import { unlimitedPurse } from './models/purse.ts';
import { openLoopbackServer, type LoopbackServer } from './models/testing/loopback-server.ts';
import { openaiDialect } from './models/testing/openai-dialect.ts';
import { openAttemptModels } from './open-attempt-models.ts';

const key = 'sk-key-key';
let folder: string;
let server: LoopbackServer;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'agent-timeout-'));
  server = await openLoopbackServer({ dialect: openaiDialect, key, models: ['m1'] });
});
afterEach(async () => {
  await server.close();
  rmSync(folder, { recursive: true, force: true });
});

describe('the definition of an agent at its worker’s door', () => {
  it('W7 ends a call that takes longer than its timeout, with a code', async () => {
    const home = unwrap(initHome(folder));
    const environment = { OPENAI_API_KEY: key };
    const models = { openai: { base_url: `${server.url}/v1` } };
    const { config } = unwrap(loadConfig({ home, environment, flags: { model: 'openai:m1', models } }));
    const agent = agentDefinition.parse({ name: 'baker', role: 'worker', timeout: 1 });
    const [task] = planOf({ a: [] }).tasks;
    const id = '0198c5f2-0000-7000-8000-000000000001';
    const payload = { project_id: 'shop', instruction: 'Do.', plan: planOf({ a: [] }), settings: settingsOf({}) };
    const run = openRun(envelopeTo(id, 'task_submit', payload, { id }));
    if (run === null || task === undefined) throw new Error('no run');
    const assignment = { project_id: 'shop', task, verify: [], round: 1, feedback: null, image: null, agent };
    const attempt = { id: 'a1', epoch: 1, baseOid: '1'.repeat(40), slot: 'worker-001', assignment };
    const opened = await openAttemptModels(
      {
        home,
        config,
        environment,
        persistence: { retryDelaysMs: [] },
        openPurse: async () => success(unlimitedPurse),
        onUnrecorded: () => undefined,
      },
      { run, attempt },
    );
    const { call } = await openTestDoor({ models: unwrap(opened)?.models ?? null });
    server.next({ kind: 'silence' });
    const begun = performance.now();
    const answer = await call('POST', '/model/chat', {
      system: '',
      messages: [{ role: 'user', text: 'Hi' }],
      tools: [],
    });
    expect(chatEvents(answer)).toEqual([
      { type: 'failed', error: expect.objectContaining({ code: 'AC_MODEL_TIMEOUT' }) },
    ]);
    expect(performance.now() - begun).toBeGreaterThan(900);
    expect(server.seen[0]?.body).toMatchObject({ max_completion_tokens: 4000, temperature: 0.7 });
  });
});
