import { chmod, mkdir } from 'node:fs/promises';
import path from 'node:path';
import { success, type Result } from '@agentcompany/protocol';
import { openBareRepository, type BareRepository } from './bare-repository.ts';
import { createRepositories } from './create-repositories.ts';
import { defaultIngestLimits } from './ingest/limits.ts';
import type { ProjectRepositories } from './repositories.ts';
import type { RepositoriesOptions } from './repositories-context.ts';
import { createGitRunner } from './runner.ts';
import { createSerialQueue } from './serial-queue.ts';
import { removeStaleFiles, removeStaleQuarantines } from './stale-files.ts';

/** The git side of one project in the folders given. Does nothing until a method is called. */
export function openRepositories(options: RepositoriesOptions): ProjectRepositories {
  const run = createGitRunner(options.onArguments, options.runProcess);
  const mirror = { folder: options.mirrorFolder, run };
  const vault = { folder: options.vaultFolder, run };
  const exclusively = createSerialQueue();
  let prepared: Promise<Result<undefined>> | null = null;
  return createRepositories({
    options,
    mirror,
    vault,
    limits: { ...defaultIngestLimits, ...options.limits },
    prepare: async () => {
      prepared ??= prepareFolders(options, mirror, vault);
      const outcome = await prepared;
      if (!outcome.ok) prepared = null;
      return outcome;
    },
    exclusively,
    onDurableStep: options.onDurableStep ?? (() => undefined),
  });
}

async function prepareFolders(
  options: RepositoriesOptions,
  mirror: BareRepository,
  vault: BareRepository,
): Promise<Result<undefined>> {
  const parent = path.dirname(mirror.folder);
  // The mode is set again because the process's umask may have taken from it.
  if ((await mkdir(parent, { recursive: true, mode: 0o711 })) !== undefined) await chmod(parent, 0o711);
  await mkdir(path.dirname(vault.folder), { recursive: true, mode: 0o700 });
  await mkdir(options.quarantineFolder, { recursive: true, mode: 0o700 });
  await removeStaleFiles(vault.folder);
  await removeStaleQuarantines(options.quarantineFolder);
  const opened = await openBareRepository(mirror, { worldReadable: true });
  if (!opened.ok) return opened;
  const borrowed = await openBareRepository(vault, { worldReadable: false, borrowsFrom: mirror.folder });
  return borrowed.ok ? success() : borrowed;
}
