import { failure, success, type Result } from '@agentcompany/protocol';
import type { BareRepository } from '../bare-repository.ts';
import { gitErrors } from '../errors.ts';
import type { IngestLimits } from './limits.ts';

/** Judges the sizes of what the commit adds to its base, without inflating any of it. Error: `AC_INGEST_TOO_LARGE`. */
export async function judgeObjectSizes(
  quarantine: BareRepository,
  request: { readonly attemptId: string; readonly commit: string; readonly base: string },
  limits: IngestLimits,
): Promise<Result<undefined>> {
  const attempt = request.attemptId;
  const listed = await quarantine.run({
    arguments: ['rev-list', '--objects', '--no-object-names', '--end-of-options', request.commit, `^${request.base}`],
    gitDir: quarantine.folder,
    outputLimit: (limits.objects + 1) * 41,
  });
  if (!listed.ok) return refuseOutput(attempt, limits, listed);
  const sized = await quarantine.run({
    arguments: ['cat-file', '--batch-check=%(objecttype) %(objectsize)', '--buffer'],
    gitDir: quarantine.folder,
    input: listed.value.stdout,
    outputLimit: (limits.objects + 1) * 32,
  });
  if (!sized.ok) return sized;
  const sizes = sized.value.stdout
    .toString('latin1')
    .trim()
    .split('\n')
    .map((line) => Number(line.split(' ')[1] ?? 0));
  if (sizes.some((size) => !(size <= limits.objectBytes))) {
    return failure(gitErrors.AC_INGEST_TOO_LARGE({ attempt, limit: `${limits.objectBytes} bytes an object` }));
  }
  if (sizes.reduce((sum, size) => sum + size, 0) > limits.totalBytes) {
    return failure(gitErrors.AC_INGEST_TOO_LARGE({ attempt, limit: `${limits.totalBytes} bytes in all` }));
  }
  return success();
}

function refuseOutput(attempt: string, limits: IngestLimits, failed: Result<never>): Result<undefined> {
  if (failed.ok || failed.error.code !== 'AC_GIT_OUTPUT_TOO_LARGE') return failed;
  return failure(gitErrors.AC_INGEST_TOO_LARGE({ attempt, limit: `${limits.objects} objects` }));
}
