import { existsSync, mkdtempSync, readFileSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { fileLog } from './file-log.ts';

const folder = (): string => mkdtempSync(join(tmpdir(), 'file-log-'));

it('the engine notes each event as one line of JSON, readable by its owner alone', () => {
  const file = join(folder(), 'engine.log');
  const log = fileLog(file);
  log('work-failed', { slot: 'worker-001', error: { code: 'AC_ENGINE_STOPPED', message: 'two\nlines' } });
  log('lease-lost', { queue: 'workers' });
  const lines = readFileSync(file, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as unknown);
  expect(lines).toMatchObject([
    { event: 'work-failed', slot: 'worker-001' },
    { event: 'lease-lost', queue: 'workers' },
  ]);
  expect(statSync(file).mode & 0o777).toBe(0o600);
});

it('the log of the engine is set aside when it is full, and no more than two are kept', () => {
  const file = join(folder(), 'engine.log');
  const log = fileLog(file, 10);
  for (const event of ['first-event', 'second-event', 'third-event']) log(event, {});
  expect(readFileSync(file, 'utf8')).toContain('third-event');
  expect(readFileSync(`${file}.old`, 'utf8')).toContain('second-event');
});

it('a log that cannot be written fails nothing', () => {
  const file = join(folder(), 'absent', 'engine.log');
  fileLog(file)('work-failed', {});
  expect(existsSync(file)).toBe(false);
});
