import { success, type Result } from '@agentcompany/protocol';
import { createGitRunner } from './runner.ts';

/** Bytes of a listing of files: of a repository with more nothing is known. */
const outputLimit = 256 * 1024 ** 2;
/** What a file takes of a disk is counted in blocks. */
const blockBytes = 4096;

/** What is asked of a mirror besides what a project's repositories do: how large the checkout of a commit is, and how much it differs from another. */
export interface MirrorFacts {
  /** Errors: those of git, `AC_GIT_OUTPUT_TOO_LARGE` among them. */
  size(mirrorFolder: string, commit: string): Promise<Result<{ readonly files: number; readonly bytes: number }>>;
  /** How many paths differ. Errors: those of git. */
  difference(mirrorFolder: string, from: string, to: string): Promise<Result<number>>;
}

export function openMirrorFacts(): MirrorFacts {
  const run = createGitRunner();
  return {
    size: async (gitDir, commit) => {
      const listed = await run({
        arguments: ['ls-tree', '-r', '-z', '--format=%(objectsize)', '--full-tree', '--end-of-options', commit],
        gitDir,
        outputLimit,
      });
      if (!listed.ok) return listed;
      const sizes = listed.value.stdout.toString('latin1').split('\0').slice(0, -1);
      // A submodule has no size.
      const blocks = sizes.reduce((sum, size) => sum + Math.ceil((Number(size) || 0) / blockBytes), 0);
      const bytes = blocks * blockBytes;
      return success({ files: sizes.length, bytes });
    },
    difference: async (gitDir, from, to) => {
      const compared = await run({
        arguments: ['diff-tree', '-r', '-z', '--name-only', '--no-renames', '--end-of-options', from, to],
        gitDir,
        outputLimit,
      });
      return compared.ok ? success(compared.value.stdout.toString('latin1').split('\0').length - 1) : compared;
    },
  };
}
