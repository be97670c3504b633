import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { OpenBusOptions } from '@agentcompany/agent-bus';

export interface SoakPlace {
  readonly place: OpenBusOptions;
  readonly folder: string;
  readonly storeSize: () => Promise<number>;
  readonly dispose: () => Promise<void>;
}

/** A fresh store of this adapter and a folder for the company beside it. */
export async function openSoakPlace(adapter: string): Promise<SoakPlace> {
  const folder = mkdtempSync(join(tmpdir(), 'soak-'));
  if (adapter !== 'sqlite' && adapter !== 'file') throw new Error(`a soak does not run on ${adapter}`);
  const store = join(folder, 'bus');
  return {
    place: { adapter, folder: store },
    folder,
    storeSize: async () => folderSize(store),
    dispose: async () => rmSync(folder, { recursive: true, force: true }),
  };
}

function folderSize(folder: string): number {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return files.reduce((bytes, { parentPath, name }) => bytes + statSync(join(parentPath, name)).size, 0);
}
