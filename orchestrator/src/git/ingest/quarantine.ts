import path from 'node:path';
import { failure, success, type AppError, type Result } from '@agentcompany/protocol';
import { readCommits, type BareRepository } from '../bare-repository.ts';
import { gitErrors } from '../errors.ts';
import { openPassingRepository } from '../passing-repository.ts';
import type { IngestRequest } from '../repositories.ts';
import type { GitRunner } from '../runner.ts';
import { openBundle } from './bundle-file.ts';
import type { BundleHeader } from './bundle-header.ts';
import { inflationLimits, type IngestLimits } from './limits.ts';

export interface QuarantineOptions {
  readonly folder: string;
  readonly mirrorFolder: string;
  readonly run: GitRunner;
  readonly limits: IngestLimits;
}

/** A fresh repository for one attempt, borrowing from the mirror. */
export function openQuarantine(attemptId: string, options: QuarantineOptions): Promise<BareRepository> {
  const { folder, mirrorFolder, run } = options;
  return openPassingRepository(path.join(folder, `${attemptId}.git`), { folder: mirrorFolder, run });
}

/**
 * Brings the pack of a bundle into the quarantine under limits of size, memory, file size and time, each object checked
 * by git's strict rules. Errors: `AC_INGEST_REFUSED` (the rule is git's own name for it), `AC_INGEST_TOO_LARGE`.
 */
export async function unpackBundle(
  quarantine: BareRepository,
  request: IngestRequest,
  limits: IngestLimits,
): Promise<Result<undefined>> {
  const bundle = await openBundle(request, limits);
  if (!bundle.ok) return bundle;
  const { handle, header } = bundle.value;
  try {
    const known = await knowsPrerequisites(quarantine, request, header);
    if (!known.ok) return known;
    const indexed = await quarantine.run({
      arguments: [
        'index-pack',
        '--strict',
        `--max-input-size=${limits.bundleBytes}`,
        '--stdin',
        '--fix-thin',
        '--threads=1',
      ],
      gitDir: quarantine.folder,
      input: { descriptor: handle.fd },
      limits: inflationLimits(limits),
      timeoutMs: 180_000,
    });
    return indexed.ok ? success() : failure(explainIndexing(request.attemptId, indexed.error));
  } finally {
    await handle.close();
  }
}

/** The base itself is not asked for here: whether it is there is judged with the claimed commit. */
async function knowsPrerequisites(
  quarantine: BareRepository,
  { attemptId: attempt, baseOid }: IngestRequest,
  header: BundleHeader,
): Promise<Result<undefined>> {
  const others = header.prerequisites.filter((oid) => oid !== baseOid);
  if (others.length === 0) return success();
  const commits = await readCommits(quarantine, others);
  if (!commits.ok) return commits;
  const unknown = others.find((oid) => !commits.value.has(oid));
  if (unknown === undefined) return success();
  return failure(
    gitErrors.AC_INGEST_REFUSED({ attempt, rule: 'bundle-prerequisites' }, `${unknown} is not a commit of the project`),
  );
}

/**
 * git names its rule as `error: object <oid>: <rule>: …`; other refusals (a torn pack) have none. Silence is a kernel
 * limit at work. What is not the worker's doing (a full disk, no git) stays what it is.
 */
function explainIndexing(attempt: string, error: AppError): AppError {
  if (error.code !== 'AC_GIT_FAILED') return error;
  const cause = error.cause ?? '';
  if (cause === '' || /exceeds maximum allowed size|[Oo]ut of memory|mmap failed|File too large/u.test(cause)) {
    return gitErrors.AC_INGEST_TOO_LARGE({ attempt, limit: 'what a pack may take to unpack' }, cause);
  }
  const rule = namedRule.exec(cause)?.[1];
  return gitErrors.AC_INGEST_REFUSED({ attempt, rule: rule ?? 'index-pack' }, cause);
}

const namedRule = /(?:error|fatal)(?: in [a-z]+ [0-9a-f]{40})?:(?: object [0-9a-f]{40}:)? ([a-z][A-Za-z0-9]+): /u;
