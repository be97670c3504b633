import { chmod, mkdir } from 'node:fs/promises';
import path from 'node:path';
import { success, type Result } from '@agentcompany/protocol';
import { openBareRepository, type BareRepository } from './bare-repository.ts';
import { createRepositories } from './create-repositories.ts';
import { defaultIngestLimits, type IngestLimits } from './ingest/limits.ts';
import type { ProjectRepositories, RemoteSource } from './repositories.ts';
import { createGitRunner, type ArgumentsHook } from './runner.ts';
import { createSerialQueue } from './serial-queue.ts';
import { removeStaleFiles, removeStaleQuarantines } from './stale-files.ts';

export interface RepositoriesOptions {
  /** Absolute folder of the bare mirror; its parent is created with mode 0711, for workers reach the mirror through it. */
  readonly mirrorFolder: string;
  /** Absolute folder of the bare vault; nobody but this user may look into it. */
  readonly vaultFolder: string;
  /** Absolute folder where quarantine repositories come and go. */
  readonly quarantineFolder: string;
  readonly source: RemoteSource;
  /** Branches never pushed to and never merged into, besides `main` and `master`: the project's default branch. */
  readonly protectedBranches: readonly string[];
  readonly limits?: Partial<IngestLimits>;
  /** Called right after each step that a restart will find done. */
  readonly onDurableStep?: (name: string) => void;
  /** Sees the arguments and the repository folder of every git call. */
  readonly onArguments?: ArgumentsHook;
}

/** The workspace of the git side: what every method works on. */
export interface RepositoriesContext {
  readonly options: RepositoriesOptions;
  readonly mirror: BareRepository;
  readonly vault: BareRepository;
  readonly limits: IngestLimits;
  /** Creates mirror and vault on the first call. */
  readonly prepare: () => Promise<Result<undefined>>;
  /** One change of the mirror at a time within this process; between processes compare-and-swap decides. */
  readonly exclusively: ReturnType<typeof createSerialQueue>;
  readonly onDurableStep: (name: string) => void;
}

/** The git side of one project in the folders given. Does nothing until a method is called. */
export function openRepositories(options: RepositoriesOptions): ProjectRepositories {
  const run = createGitRunner(options.onArguments);
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
