import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { failure, success, type Result } from '@agentcompany/protocol';
import type { CompanyHome } from '@agentcompany/orchestrator/company-home';
import { demoErrors } from './errors.ts';

export interface DemoPlace {
  readonly home: CompanyHome;
  /** Not there yet. */
  readonly repository: string;
}

/** The demo's folder, held by this process. */
export interface DemoFolder {
  /** Archives of packages; outlives the demos. */
  readonly cache: string;
  /**
   * Makes room for a fresh demo: what an earlier one left is removed, or with `keep` set aside. Containers that an earlier one
   * left when it was killed belong to the new home too, whose engine sweeps them away.
   * Errors: `AC_ENGINE_RUNNING` where an engine is at work in the earlier home, those of `initHome`.
   */
  makeRoom(keep: boolean): Promise<Result<DemoPlace>>;
  /** Lets another demo begin. */
  release(): void;
}

const markerName = 'made-by-the-agentcompany-demo.json';

/** The uuid that containers of the demo carry, whatever home they came from; null where no demo has been. */
function readMarker(file: string): string | null {
  if (!existsSync(file)) return null;
  try {
    const value: unknown = JSON.parse(readFileSync(file, 'utf8'));
    if (typeof value === 'object' && value !== null && 'instance_id' in value && typeof value.instance_id === 'string')
      return value.instance_id;
  } catch {
    // A marker cut short by a crash still marks.
  }
  return randomUUID();
}

function writeInstance(file: string, instance: string): void {
  writeFileSync(file, `${JSON.stringify({ version: 1, instance_id: instance }, null, 2)}\n`, { flush: true });
}

function setAside(root: string, folders: readonly string[]): void {
  const kept = path.join(root, `kept-${new Date().toISOString().replaceAll(/[:.]/g, '-')}`);
  mkdirSync(kept);
  for (const folder of folders) renameSync(folder, path.join(kept, path.basename(folder)));
}

async function makeRoom(root: string, keep: boolean): Promise<Result<DemoPlace>> {
  const { homeAt, initHome } = await import('@agentcompany/orchestrator/company-home');
  const { takeEngineLock } = await import('@agentcompany/orchestrator/engine-lock');
  const marker = path.join(root, markerName);
  const earlier = homeAt(path.join(root, 'home'));
  const repository = path.join(root, 'repository');
  const left = [earlier.root, repository].filter((folder) => existsSync(folder));
  if (existsSync(earlier.lockFile)) {
    const engine = takeEngineLock(earlier.lockFile);
    if (!engine.ok) return engine;
    engine.value.release();
  }
  const isKept = keep && left.length > 0;
  const instance = (isKept ? null : readMarker(marker)) ?? randomUUID();
  if (isKept) setAside(root, left);
  else for (const folder of left) rmSync(folder, { recursive: true, force: true });
  writeInstance(marker, instance);
  const home = initHome(earlier.root);
  if (!home.ok) return home;
  writeInstance(home.value.instanceFile, instance);
  return success({ home: home.value, repository });
}

/**
 * Takes `root` for one demo. Errors: `AC_DEMO_FOLDER_FOREIGN` where it holds a home or a repository that no demo made,
 * `AC_ENGINE_RUNNING` where another demo is at work there.
 */
export async function takeDemoFolder(root: string): Promise<Result<DemoFolder>> {
  const { takeEngineLock } = await import('@agentcompany/orchestrator/engine-lock');
  const marker = path.join(root, markerName);
  const foreign = ['home', 'repository'].map((name) => path.join(root, name)).find((folder) => existsSync(folder));
  if (foreign !== undefined && !existsSync(marker))
    return failure(demoErrors.AC_DEMO_FOLDER_FOREIGN({ folder: foreign }));
  const cache = path.join(root, 'cache');
  mkdirSync(cache, { recursive: true });
  const lock = takeEngineLock(path.join(root, 'demo-lock.db'));
  if (!lock.ok) return lock;
  for (const name of readdirSync(cache))
    if (name.startsWith('fetching-')) rmSync(path.join(cache, name), { recursive: true, force: true });
  return success({ cache, makeRoom: (keep) => makeRoom(root, keep), release: () => lock.value.release() });
}
