import { randomUUID } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { payloadSchemas, unwrap } from '@agentcompany/protocol';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Run } from '../company/records.ts';
import type { CheckpointStore } from '../door/attempt-services.ts';
import { openCheckpoints, removeSpentCheckpoints } from './checkpoint-files.ts';

const runId = randomUUID();

function folders(): { readonly runsFolder: string } {
  const runsFolder = mkdtempSync(join(tmpdir(), 'agentcompany-checkpoints-'));
  onTestFinished(() => rmSync(runsFolder, { recursive: true, force: true }));
  return { runsFolder };
}

function open(home: { readonly runsFolder: string }, round: number, fresh?: boolean, task = 'a-task'): CheckpointStore {
  const assignment = payloadSchemas.task_assign.parse({
    project_id: 'p',
    task: { id: task, title: 'T', agent: 'tester' },
    verify: [],
    round,
    feedback: null,
    image: null,
    ...(fresh === undefined ? {} : { fresh }),
  });
  return openCheckpoints(home, runId, { assignment });
}

const read = async (store: CheckpointStore): Promise<string | null> => unwrap(await store.read())?.toString() ?? null;
const write = async (store: CheckpointStore, text: string): Promise<void> =>
  unwrap(await store.write(Buffer.from(text)));

describe('checkpoints on disk', () => {
  it('C29 come back for the next attempt, also after the process ended', async () => {
    const home = folders();
    expect(await read(open(home, 1))).toBeNull();
    await write(open(home, 1), 'first');
    expect(await read(open(home, 1))).toBe('first');
    expect(await read(open(home, 2))).toBe('first');
    await write(open(home, 2), 'second');
    expect(await read(open(home, 3))).toBe('second');
    expect(readdirSync(join(home.runsFolder, runId, 'checkpoints', 'a-task'))).toEqual(['2.json']);
    expect(await read(open(home, 2, false, 'another'))).toBeNull();
  });

  it('C28 are not seen by an assignment that begins anew, but what it left itself is', async () => {
    const home = folders();
    await write(open(home, 1), 'first');
    expect(await read(open(home, 2, true))).toBeNull();
    await write(open(home, 2, true), 'anew');
    expect(await read(open(home, 2, true))).toBe('anew');
    expect(await read(open(home, 3))).toBe('anew');
  });

  it('go with the tasks that ended, and all of them with the run', async () => {
    const home = folders();
    await write(open(home, 1, false, 'merged'), 'x');
    await write(open(home, 1, false, 'open'), 'x');
    const tasks = new Map([
      ['merged', { state: 'merged' }],
      ['open', { state: 'awaiting_person' }],
    ]);
    const run = { id: runId, state: 'needs_attention', tasks } as unknown as Run;
    await removeSpentCheckpoints(home, run);
    expect(readdirSync(join(home.runsFolder, runId, 'checkpoints'))).toEqual(['open']);
    await removeSpentCheckpoints(home, { ...run, state: 'completed' });
    expect(readdirSync(join(home.runsFolder, runId))).toEqual([]);
    await removeSpentCheckpoints(home, { ...run, id: randomUUID() });
  });

  it('fail with a code where the disk does', async () => {
    const home = folders();
    mkdirSync(join(home.runsFolder, runId));
    writeFileSync(join(home.runsFolder, runId, 'checkpoints'), 'a file in the way');
    expect(await open(home, 1).write(Buffer.from('x'))).toMatchObject({
      ok: false,
      error: { code: 'AC_CHECKPOINT_STORE' },
    });
    expect(await read(open(home, 1))).toBeNull();
  });
});
