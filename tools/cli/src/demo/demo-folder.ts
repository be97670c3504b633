import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { failure, success, type Result } from '@agentcompany/protocol';
import type { CompanyHome } from '@agentcompany/orchestrator/company-home';
import { demoErrors } from './errors.ts';

/** Where everything of the demo lies; `release` lets another demo begin. */
export interface DemoFolder {
  readonly root: string;
  readonly home: CompanyHome;
  /** Not there yet. */
  readonly repository: string;
  readonly cache: string;
  release(): void;
}

const markerName = 'made-by-the-agentcompany-demo.json';

/** The uuid that containers of the demo carry, whatever home they came from; null where the marker is absent. */
function readMarker(file: string): string | null {
  if (!existsSync(file)) return null;
  try {
    const value: unknown = JSON.parse(readFileSync(file, 'utf8'));
    if (typeof value === 'object' && value !== null && 'instance_id' in value && typeof value.instance_id === 'string') return value.instance_id;
  } catch {
    // A marker cut short by a crash still marks.
  }
  return randomUUID();
}

function writeMarker(file: string, instance: string): void {
  writeFileSync(file, `${JSON.stringify({ version: 1, instance_id: instance }, null, 2)}\n`, { flush: true });
}

function keepAway(root: string, folders: readonly string[]): void {
  const kept = path.join(root, `kept-${new Date().toISOString().replaceAll(/[:.]/g, '-')}`);
  mkdirSync(kept);
  for (const folder of folders) renameSync(folder, path.join(kept, path.basename(folder)));
}

/**
 * Prepares `root` for a fresh demo: what an earlier one left is removed, or with `keep` set aside. Containers that an earlier
 * one left when it was killed belong to the new home too, whose engine sweeps them away.
 * Errors: `AC_DEMO_FOLDER_FOREIGN`, `AC_ENGINE_RUNNING` where a demo or an engine is at work there, those of `initHome`.
 */
export async function openDemoFolder(root: string, keep: boolean): Promise<Result<DemoFolder>> {
  const [{ homeAt, initHome }, { takeEngineLock }] = await Promise.all([
    import('@agentcompany/orchestrator/company-home'),
    import('@agentcompany/orchestrator/engine-lock'),
  ]);
  const marker = path.join(root, markerName);
  const repository = path.join(root, 'repository');
  const left = [path.join(root, 'home'), repository].filter((folder) => existsSync(folder));
  const known = readMarker(marker);
  if (known === null && left[0] !== undefined) return failure(demoErrors.AC_DEMO_FOLDER_FOREIGN({ folder: left[0] }));
  mkdirSync(root, { recursive: true });
  const lock = takeEngineLock(path.join(root, 'demo-lock.db'));
  if (!lock.ok) return lock;
  const clear = (): Result<CompanyHome> => {
    const earlier = homeAt(path.join(root, 'home'));
    const engine = existsSync(earlier.lockFile) ? takeEngineLock(earlier.lockFile) : null;
    if (engine?.ok === false) return engine;
    engine?.value.release();
    const instance = keep || known === null ? randomUUID() : known;
    if (keep && left.length > 0) keepAway(root, left);
    else for (const folder of left) rmSync(folder, { recursive: true, force: true });
    writeMarker(marker, instance);
    const home = initHome(earlier.root);
    if (home.ok) writeFileSync(home.value.instanceFile, `${JSON.stringify({ version: 1, instance_id: instance }, null, 2)}\n`, { flush: true });
    return home;
  };
  const home = clear();
  if (!home.ok) {
    lock.value.release();
    return home;
  }
  return success({ root, home: home.value, repository, cache: path.join(root, 'cache'), release: () => lock.value.release() });
}
