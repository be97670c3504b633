import type { Result } from '@agentcompany/protocol';

/** What is asked of a mirror to tell whether a prepared checkout pays. */
export interface TreeFacts {
  /** How many files a commit has, and what a checkout of them takes of a disk, nearly. */
  size(mirrorFolder: string, commit: string): Promise<Result<{ readonly files: number; readonly bytes: number }>>;
  /** How many paths differ between two commits. */
  difference(mirrorFolder: string, from: string, to: string): Promise<Result<number>>;
}
