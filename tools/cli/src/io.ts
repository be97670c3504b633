import type { AppError, Result } from '@agentcompany/protocol';
import type { Company } from '@agentcompany/orchestrator';
import type { CompanyHome } from '@agentcompany/orchestrator/company-home';
import type { Config } from '@agentcompany/orchestrator/config';
import type { RunReader } from '@agentcompany/orchestrator/read-runs';

export interface Output {
  write(text: string): void;
  readonly isTerminal: boolean;
  /** Characters in a line; Infinity where it is no terminal. */
  readonly columns: number;
}

export interface OpenRequest {
  readonly environment: CliIo['environment'];
  /** Folder of the product itself. */
  readonly installation: string;
  readonly config: Config;
}

export type OpenCompany = (home: CompanyHome, request: OpenRequest) => Promise<Result<Company>>;

/** Null where the company has to be opened to know. */
export type ReadRuns = (home: CompanyHome, config: Config) => Promise<RunReader | null>;

/** All that the commands touch of the process: tests give their own. */
export interface CliIo {
  /** Data. */
  readonly stdout: Output;
  /** Talk. */
  readonly stderr: Output;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** The checkout the program lies in. */
  readonly checkout: string;
  readonly openCompany: OpenCompany;
  readonly readRuns: ReadRuns;
  /** Standard input as UTF-8, refused beyond `limit` bytes. */
  readStdin(limit: number): Promise<Result<string, AppError>>;
  /** Calls `handler` at each of the first `heeded` interrupts (1 where absent) until the returned function is called; a further one ends the process. */
  onInterrupt(handler: () => void, heeded?: number): () => void;
}
