import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BusAdapter, OpenBusOptions } from '@agentcompany/agent-bus';
import { startRedis } from '@agentcompany/agent-bus/testing';

export interface SoakPlace {
  readonly place: OpenBusOptions;
  readonly folder: string;
  readonly storeSize: () => Promise<number>;
  readonly dispose: () => Promise<void>;
}

/** A fresh store of this adapter and a folder for the company beside it. */
export async function openSoakPlace(adapter: BusAdapter): Promise<SoakPlace> {
  const folder = mkdtempSync(join(tmpdir(), 'soak-'));
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  if (adapter === 'redis') {
    const redis = await startRedis();
    return {
      place: { adapter, url: redis.url },
      folder,
      storeSize: async () => folderSize(redis.folder),
      dispose: () => redis.dispose().finally(remove),
    };
  }
  const store = join(folder, 'bus');
  return {
    place: { adapter, folder: store },
    folder,
    storeSize: async () => folderSize(store),
    dispose: async () => remove(),
  };
}

function folderSize(folder: string): number {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return files.reduce((bytes, { parentPath, name }) => bytes + statSync(join(parentPath, name)).size, 0);
}
