import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { success, type Result } from '@agentcompany/protocol';
import { homeAt, instanceId } from '../../company-home.ts';
import type { ContainerEngine } from '../../containers/container-engine.ts';
import { abandonedTemporaryFolders } from '../../temporary-folder.ts';
import { bytesOnDisk, type Leftover } from './leftover.ts';

/**
 * Temporary folders whose process is no more. One of a replay holds a company of its own: its containers, which no other home may
 * touch, go with it.
 */
export async function temporaryFoldersLeft(engine: ContainerEngine | null): Promise<readonly Leftover[]> {
  const left: Leftover[] = [];
  for (const { folder, pid } of await abandonedTemporaryFolders()) {
    const instance = instanceId(homeAt(join(folder, 'home')));
    const remove = async (): Promise<Result<undefined>> => {
      const emptied = instance.ok ? await removeContainers(engine, instance.value) : success();
      if (!emptied.ok) return emptied;
      await rm(folder, { recursive: true, force: true });
      return success();
    };
    // Its containers are found by the instance in it: without an engine it stays.
    if (instance.ok && engine === null) continue;
    const bytes = await bytesOnDisk(folder);
    left.push({ kind: 'temporary folder', name: folder, owner: `process ${pid}, which has ended`, bytes, remove });
  }
  return left;
}

async function removeContainers(engine: ContainerEngine | null, instance: string): Promise<Result<undefined>> {
  const owned = await engine?.list(instance);
  if (owned?.ok === false) return owned;
  for (const { id } of owned?.value ?? []) {
    const gone = await engine?.remove(id);
    if (gone?.ok === false) return gone;
  }
  return success();
}
