import { execFileSync, fork } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openBus, type OpenBusOptions } from '@agentcompany/agent-bus';
import { derivedId, unwrap } from '@agentcompany/protocol';
import { planOf, settingsOf } from '../../orchestrator/src/company/testing/fixtures.ts';
import { envelopeTo } from '../../orchestrator/src/engine/testing/ledger-on-disk.ts';
import type { Measured, QueuedEngineArguments } from './engine-process.ts';

const script = fileURLToPath(new URL('./engine-process.ts', import.meta.url));

/** Homes on disk that engines are let loose on; each measurement works on a copy, so that every round begins at the same point. */
export interface QueuedCompanies {
  /** A home whose one run has so many tasks, all assigned: each waits in queue `workers`. Returns its name. */
  readonly make: (tasks: number) => Promise<string>;
  /** The home after an engine has carried out so many more of its tasks, as another home. Returns its name. */
  readonly advance: (name: string, tasks: number) => Promise<string>;
  /** What an engine takes that goes on there until so many tasks are merged. */
  readonly measure: (name: string, sample: number) => Promise<Measured>;
}

/** They are removed when the process ends. */
export async function openQueuedCompanies(): Promise<QueuedCompanies> {
  const root = await mkdtemp(join(tmpdir(), 'agentcompany-queued-'));
  process.once('exit', () => rmSync(root, { recursive: true, force: true }));
  const run = await derivedId('a run of many tasks');
  const folderOf = (name: string): string => join(root, name);
  const placeOf = (name: string): OpenBusOptions => ({ adapter: 'file', folder: join(folderOf(name), 'bus') });
  const drive = (name: string, sample: number | null): Promise<Measured> =>
    runEngine({ place: placeOf(name), folder: folderOf(name), run, sample });
  const copy = async (name: string, other: string): Promise<void> => {
    await cp(folderOf(name), folderOf(other), { recursive: true, preserveTimestamps: true });
    // What the disk still has to write of the copy would be waited for by the engine's own syncs.
    execFileSync('sync');
  };
  return {
    make: async (tasks) => {
      const name = `of-${tasks}`;
      await submit(placeOf(name), run, tasks);
      await drive(name, null);
      return name;
    },
    advance: async (name, tasks) => {
      const other = `${name}-after-${tasks}`;
      await copy(name, other);
      await drive(other, tasks);
      return other;
    },
    measure: async (name, sample) => {
      const mayfly = `${name}-once`;
      await copy(name, mayfly);
      try {
        return await drive(mayfly, sample);
      } finally {
        await rm(folderOf(mayfly), { recursive: true, force: true });
      }
    },
  };
}

async function submit(place: OpenBusOptions, run: string, tasks: number): Promise<void> {
  const bus = unwrap(await openBus(place));
  const graph = Object.fromEntries(Array.from({ length: tasks }, (_, index) => [`task-${index + 1}`, []]));
  const payload = { project_id: 'bench', instruction: 'Do it all.', plan: planOf(graph), settings: settingsOf() };
  unwrap(await bus.send([{ envelope: envelopeTo(run, 'task_submit', payload, { id: run }) }]));
  await bus.close();
}

async function runEngine(settings: QueuedEngineArguments): Promise<Measured> {
  const child = fork(script, [JSON.stringify(settings)]);
  const exited = once(child, 'exit');
  const early = exited.then(([code]) => Promise.reject(new Error(`the engine ended with ${String(code)} unasked`)));
  early.catch(() => undefined);
  const [measured] = (await Promise.race([once(child, 'message'), early])) as [Measured];
  await exited;
  return measured;
}
