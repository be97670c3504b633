import { failure, success, type Result } from '@agentcompany/protocol';
import type { BareRepository } from '../bare-repository.ts';
import { readBlobs } from '../blobs.ts';
import { gitErrors } from '../errors.ts';
import { judgePaths } from '../path-policy.ts';
import { rawChanges, splitNul } from '../raw-diff.ts';
import type { IngestLimits } from './limits.ts';

/** Judges the paths of the result against its base. Errors: `AC_PATH_REFUSED`, `AC_INGEST_TOO_LARGE`. */
export async function judgeTree(
  quarantine: BareRepository,
  request: { readonly attemptId: string; readonly commit: string; readonly base: string },
  limits: IngestLimits,
): Promise<Result<undefined>> {
  const attempt = request.attemptId;
  const tooLarge = (limit: string): Result<never> => failure(gitErrors.AC_INGEST_TOO_LARGE({ attempt, limit }));
  const listing = await quarantine.run({
    arguments: ['ls-tree', '-r', '-z', '--name-only', '--full-tree', '--end-of-options', request.commit],
    gitDir: quarantine.folder,
    outputLimit: limits.treeListingBytes,
  });
  if (!listing.ok) {
    return listing.error.code === 'AC_GIT_OUTPUT_TOO_LARGE'
      ? tooLarge(`${limits.treeListingBytes} bytes of paths`)
      : listing;
  }
  const changes = await rawChanges(quarantine, request.base, request.commit);
  if (!changes.ok) return changes.error.code === 'AC_GIT_OUTPUT_TOO_LARGE' ? tooLarge('changed paths') : changes;
  if (changes.value.length > limits.changedPaths) return tooLarge(`${limits.changedPaths} changed paths`);
  const links = changes.value.filter(({ new_mode }) => new_mode === '120000').map(({ newOid }) => newOid);
  const targets = await readBlobs(quarantine, links, 4096);
  if (!targets.ok) return targets;
  const paths = splitNul(listing.value.stdout).map((name) => name.toString('utf8'));
  const refusal = judgePaths(changes.value, paths, targets.value);
  if (refusal === null) return success();
  return failure(gitErrors.AC_PATH_REFUSED({ attempt, rule: refusal.rule }, JSON.stringify(refusal.path)));
}
