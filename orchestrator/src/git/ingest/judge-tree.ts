import { failure, type Result } from '@agentcompany/protocol';
import type { BareRepository } from '../bare-repository.ts';
import { readBlobs } from '../blobs.ts';
import { gitErrors } from '../errors.ts';
import { judgePaths } from '../path-policy.ts';
import { countedDiff, splitNul, type CountedDiff } from '../raw-diff.ts';
import type { IngestLimits } from './limits.ts';

/** Judges the paths of the result against its base; the difference judged is the answer. Errors: `AC_PATH_REFUSED`, `AC_INGEST_TOO_LARGE`. */
export async function judgeTree(
  quarantine: BareRepository,
  request: { readonly attemptId: string; readonly commit: string; readonly base: string },
  limits: IngestLimits,
): Promise<Result<CountedDiff>> {
  const attempt = request.attemptId;
  const tooLarge = (limit: string): Result<never> => failure(gitErrors.AC_INGEST_TOO_LARGE({ attempt, limit }));
  const [listing, diff] = await Promise.all([
    quarantine.run({
      arguments: ['ls-tree', '-r', '-z', '--name-only', '--full-tree', '--end-of-options', request.commit],
      gitDir: quarantine.folder,
      outputLimit: limits.treeListingBytes,
    }),
    countedDiff(quarantine, request.base, request.commit),
  ]);
  if (!listing.ok) {
    return listing.error.code === 'AC_GIT_OUTPUT_TOO_LARGE'
      ? tooLarge(`${limits.treeListingBytes} bytes of paths`)
      : listing;
  }
  if (!diff.ok) return diff.error.code === 'AC_GIT_OUTPUT_TOO_LARGE' ? tooLarge('changed paths') : diff;
  const { changes } = diff.value;
  if (changes.length > limits.changedPaths) return tooLarge(`${limits.changedPaths} changed paths`);
  const links = changes.filter(({ new_mode }) => new_mode === '120000').map(({ newOid }) => newOid);
  const targets = await readBlobs(quarantine, links, 4096);
  if (!targets.ok) return targets;
  const paths = splitNul(listing.value.stdout).map((name) => name.toString('utf8'));
  const refusal = judgePaths(changes, paths, targets.value);
  if (refusal === null) return diff;
  return failure(gitErrors.AC_PATH_REFUSED({ attempt, rule: refusal.rule }, JSON.stringify(refusal.path)));
}
