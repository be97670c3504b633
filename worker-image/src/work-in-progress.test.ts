import { execFileSync } from 'node:child_process';
import { utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { scriptedDoor } from './testing/scripted-door.ts';
import { workingCopy } from './testing/working-copy.ts';
import { readWorkInProgress } from './work-in-progress.ts';

it('C29 keeps a change of equal length made in the second the index was written', async () => {
  const copy = workingCopy({ 'a.txt': 'one\n' });
  const git = (...args: readonly string[]): void => void execFileSync('git', args, { cwd: copy.folder });
  const file = join(copy.folder, 'a.txt');
  const second = new Date('2026-01-01T00:00:00Z');
  // As if all of it happened within one second: only the content tells the change.
  git('config', 'core.trustctime', 'false');
  utimesSync(file, second, second);
  git('update-index', '--refresh');
  utimesSync(join(copy.folder, '.git/index'), second, second);
  writeFileSync(file, 'two\n');
  utimesSync(file, second, second);
  const { client } = await scriptedDoor([]);
  const patch = await readWorkInProgress(copy.order, copy.around(client));
  expect(patch?.toString()).toContain('+two');
});
