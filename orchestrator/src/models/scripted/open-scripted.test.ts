import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { unwrap } from '@agentcompany/protocol';
import { describe, expect, it } from 'vitest';
import { createModel } from '../call-model.ts';
import type { Model } from '../model.ts';
import { requestOf, watched } from '../testing/fixtures.ts';
import { openScripted } from './open-scripted.ts';

function open(script: unknown): Model {
  const file = join(mkdtempSync(join(tmpdir(), 'scripted-')), 'replies.json');
  writeFileSync(file, typeof script === 'string' ? script : JSON.stringify(script));
  const candidate = { provider: openScripted(file), name: 'script', costOf: () => 0 };
  return createModel(candidate, null, { retryDelaysMs: [] });
}

const tool = { name: 'look', description: '', parameters: { type: 'object' } };

describe('the scripted adapter', () => {
  it('gives the first reply that fits the request, the same one each time', async () => {
    const usage = { input: 3, output: 1 };
    const model = open({
      version: 1,
      replies: [
        { contains: ['one "quoted"', 'line\ntwo'], text: 'both' },
        {
          contains: ['one'],
          tool_calls: [
            { name: 'look', input: { at: 1 } },
            { name: 'leap', input: {} },
          ],
          usage,
        },
      ],
    });
    for (let count = 0; count < 2; count += 1) {
      const both = await model.complete(requestOf('one "quoted"\nline\ntwo'), watched().options);
      expect(unwrap(both).text).toBe('both');
    }
    const { toolCalls, ...reply } = unwrap(
      await model.complete(requestOf('one', { tools: [tool] }), watched().options),
    );
    expect(reply).toMatchObject({ stop: 'tool_calls', cost_usd: 0, usage: { input: 3, output: 1, cache_read: 0 } });
    expect(toolCalls.map(({ problem }) => problem?.code ?? null)).toEqual([null, 'AC_MODEL_TOOL_UNKNOWN']);
  });

  it('repeats what its expression finds in a request, and is not for one where it finds nothing', async () => {
    const model = open({ version: 1, replies: [{ capture: 'review ([0-9a-f]+)', text: '{"review":"{captured}"}' }] });
    const asked = await model.complete(requestOf('review: none\nreview 0af of it'), watched().options);
    expect(unwrap(asked).text).toBe('{"review":"0af"}');
    const other = await model.complete(requestOf('review none'), watched().options);
    expect(other).toMatchObject({ ok: false, error: { code: 'AC_MODEL_SCRIPT_MISMATCH' } });
  });

  it('refuses a request it has no reply for, and one that changed since its digest was taken', async () => {
    const empty = await open({ version: 1, replies: [] }).complete(requestOf('one'), watched().options);
    expect(empty).toMatchObject({ ok: false, error: { code: 'AC_MODEL_SCRIPT_MISMATCH', retry: 'never' } });
    const sha256 = /request ([0-9a-f]{64})/.exec(empty.ok ? '' : empty.error.message)?.[1];
    const exact = open({ version: 1, replies: [{ sha256, text: 'exactly' }] });
    expect(unwrap(await exact.complete(requestOf('one'), watched().options)).text).toBe('exactly');
    expect(await exact.complete(requestOf('one '), watched().options)).toMatchObject({
      ok: false,
      error: { code: 'AC_MODEL_SCRIPT_MISMATCH' },
    });
  });

  it.each([
    '{',
    '{"version": 2, "replies": []}',
    '{"version": 1, "replies": [{"txt": "x"}]}',
    '{"version": 1, "replies": [{"capture": "("}]}',
  ])('refuses the file %s, and is found out by a check', async (text) => {
    const model = open(text);
    const expected = { ok: false, error: { code: 'AC_MODEL_SCRIPT_UNREADABLE' } };
    expect(await model.complete(requestOf('one'), watched().options)).toMatchObject(expected);
    expect(await model.check(watched().options)).toMatchObject(expected);
  });
});
