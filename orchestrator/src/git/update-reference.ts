import { existsSync } from 'node:fs';
import path from 'node:path';
import { failure, success, type Result } from '@agentcompany/protocol';
import { readReference, type BareRepository } from './bare-repository.ts';
import { syncFolder } from './durable.ts';
import { gitErrors } from './errors.ts';
import type { GitAnswer } from './runner.ts';
import { removeStaleFiles, staleLockSeconds } from './stale-files.ts';

const absent = '0'.repeat(40);
/** What git says where another process has the lock of a reference, or had it when it was killed. */
const lockedWords = /\.lock': File exists/u;

/**
 * Moves a reference from `previous` (null: it must not exist) to `next` (null: it goes) with compare-and-swap, durable when it returns.
 * Errors: `AC_GIT_REFERENCE_MOVED`, `AC_GIT_LOCKED`.
 */
export async function updateReference(
  repository: BareRepository,
  change: { readonly reference: string; readonly next: string | null; readonly previous: string | null },
): Promise<Result<undefined>> {
  const first = await runUpdate(repository, change);
  const isLocked = !first.ok && lockedWords.test(first.error.cause ?? '');
  // What is in the way may be the lock of a process that was killed: only then somebody looks for such.
  if (isLocked) await removeStaleFiles(repository.folder);
  const answer = isLocked ? await runUpdate(repository, change) : first;
  if (!answer.ok) return explain(repository, change, answer);
  await syncReferenceFolders(repository.folder, change.reference);
  return success();
}

function runUpdate(
  repository: BareRepository,
  {
    reference,
    next,
    previous,
  }: { readonly reference: string; readonly next: string | null; readonly previous: string | null },
): Promise<Result<GitAnswer>> {
  return repository.run({
    arguments: ['update-ref', '--no-deref', '--end-of-options', reference, next ?? absent, previous ?? absent],
    silent: true,
    gitDir: repository.folder,
  });
}

async function explain(
  repository: BareRepository,
  { reference, previous }: { readonly reference: string; readonly previous: string | null },
  refused: Result<never>,
): Promise<Result<undefined>> {
  const cause = refused.ok ? null : refused.error;
  if (lockedWords.test(cause?.cause ?? '')) {
    return failure(gitErrors.AC_GIT_LOCKED({ seconds: staleLockSeconds }, cause?.cause));
  }
  const present = await readReference(repository, reference);
  if (present.ok && present.value !== previous) {
    return failure(gitErrors.AC_GIT_REFERENCE_MOVED({ reference }, cause?.cause));
  }
  return refused;
}

async function syncReferenceFolders(folder: string, reference: string): Promise<void> {
  let current = path.dirname(path.join(folder, reference));
  while (current.startsWith(folder) && current !== folder) {
    if (existsSync(current)) await syncFolder(current);
    current = path.dirname(current);
  }
}
