import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { failure, success, type Result } from '@agentcompany/protocol';
import { gitErrors } from '../errors.ts';
import type { IngestRequest } from '../repositories.ts';
import { headerLimit, readBundleHeader, type BundleHeader } from './bundle-header.ts';
import type { IngestLimits } from './limits.ts';

/**
 * Opens the stored bundle and judges everything that can be judged without git: size, digest, header. The handle stands
 * at the first byte of the pack. Errors: `AC_INGEST_REFUSED`, `AC_INGEST_TOO_LARGE`.
 */
export async function openBundle(
  request: IngestRequest,
  limits: IngestLimits,
): Promise<Result<{ readonly handle: FileHandle; readonly header: BundleHeader }>> {
  const handle = await open(request.bundleFile, constants.O_RDONLY | constants.O_NOFOLLOW).catch(
    (cause: unknown) => cause,
  );
  if (!isHandle(handle))
    return failure(gitErrors.AC_INGEST_REFUSED({ attempt: request.attemptId, rule: 'bundle-missing' }, handle));
  const judged = await judgeBundle(handle, request, limits);
  if (judged.ok) return success({ handle, header: judged.value });
  await handle.close();
  return judged;
}

function isHandle(value: unknown): value is FileHandle {
  return typeof value === 'object' && value !== null && 'fd' in value;
}

async function judgeBundle(
  handle: FileHandle,
  request: IngestRequest,
  limits: IngestLimits,
): Promise<Result<BundleHeader>> {
  const attempt = request.attemptId;
  const refuse = (rule: string, cause: string): Result<never> =>
    failure(gitErrors.AC_INGEST_REFUSED({ attempt, rule }, cause));
  const found = await handle.stat();
  if (!found.isFile()) return refuse('bundle-missing', 'the bundle is not a regular file');
  if (found.size > limits.bundleBytes) {
    return failure(gitErrors.AC_INGEST_TOO_LARGE({ attempt, limit: `${limits.bundleBytes} bytes of bundle` }));
  }
  if ((await digest(handle)) !== request.sha256)
    return refuse('bundle-digest', 'the stored bytes are not those announced');
  const start = Buffer.alloc(headerLimit);
  const { bytesRead } = await handle.read(start, 0, headerLimit, 0);
  const reading = readBundleHeader(start.subarray(0, bytesRead));
  if ('problem' in reading) return refuse('bundle-header', reading.problem);
  const { header } = reading;
  const [reference, ...others] = header.references;
  if (reference === undefined || others.length > 0) return refuse('bundle-references', 'not exactly one reference');
  if (reference.name !== request.resultRef)
    return refuse('bundle-references', 'the reference is not the one asked for');
  if (reference.oid !== request.claimedCommit)
    return refuse('bundle-references', 'the reference is not the commit reported');
  if (header.objects > limits.objects) {
    return failure(gitErrors.AC_INGEST_TOO_LARGE({ attempt, limit: `${limits.objects} objects` }));
  }
  // Reading without a position moves the descriptor's own offset: git then reads the pack from where it begins.
  await handle.read(Buffer.alloc(header.length), 0, header.length, null);
  return success(header);
}

async function digest(handle: FileHandle): Promise<string> {
  const hash = createHash('sha256');
  const chunk = Buffer.alloc(1024 * 1024);
  let position = 0;
  for (;;) {
    const { bytesRead } = await handle.read(chunk, 0, chunk.length, position);
    if (bytesRead === 0) return hash.digest('hex');
    hash.update(chunk.subarray(0, bytesRead));
    position += bytesRead;
  }
}
