import type { Result } from '@agentcompany/protocol';
import type { BareRepository } from './bare-repository.ts';
import type { RunProcess } from './capped-process.ts';
import type { IngestLimits } from './ingest/limits.ts';
import type { RemoteSource } from './repositories.ts';
import type { ArgumentsHook } from './runner.ts';
import type { createSerialQueue } from './serial-queue.ts';

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
  /** Starts git; from this process where absent. */
  readonly runProcess?: RunProcess;
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
