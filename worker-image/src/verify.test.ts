import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runChecks } from './verify.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'checks-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function check(...commands: string[]) {
  const place = { folder, environment: { PATH: process.env['PATH'] ?? '' }, onOutput: () => undefined };
  return runChecks(commands, place, 30);
}

describe('the checks of a commit', () => {
  it('C28 run in order, lint before test, and a red lint skips the test', async () => {
    const red = await check('touch lint && echo unused variable && exit 1', 'touch test');
    expect(readdirSync(folder)).toEqual(['lint']);
    expect(red).toMatchObject({
      reports: [{ exit_code: 1, output: 'unused variable\n' }],
      error: { code: 'AC_VERIFY_FAILED', cause: 'unused variable\n' },
    });
    const green = await check('test -f lint', 'test ! -f test && touch test');
    expect(green).toMatchObject({ reports: [{ exit_code: 0 }, { exit_code: 0 }], error: null });
  });
});
