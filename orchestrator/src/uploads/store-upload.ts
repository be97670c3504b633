import { createHash, randomUUID } from 'node:crypto';
import { open, rename, rm, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';

/** What came up, as it was stored and measured here. */
export interface StoredUpload {
  readonly sha256: string;
  readonly bytes: number;
}

export interface Upload {
  readonly body: AsyncIterable<Buffer>;
  readonly file: string;
  /** What the sender announced: bytes, and SHA-256 in hexadecimal. */
  readonly bytes: number;
  readonly sha256: string;
}

/** `mismatch`: the bytes are not those announced. `disk`: they could not be stored, or the sender went away in the middle. */
export type UploadOutcome =
  | { readonly outcome: 'stored'; readonly stored: StoredUpload }
  | { readonly outcome: 'mismatch'; readonly problem: string }
  | { readonly outcome: 'disk'; readonly cause: unknown };

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function writeBody(handle: FileHandle, upload: Upload): Promise<StoredUpload> {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const chunk of upload.body) {
    bytes += chunk.length;
    if (bytes > upload.bytes) break;
    hash.update(chunk);
    await handle.writeFile(chunk);
  }
  return { sha256: hash.digest('hex'), bytes };
}

async function storePart(part: string, upload: Upload): Promise<UploadOutcome> {
  const handle = await open(part, 'wx', 0o600);
  try {
    const stored = await writeBody(handle, upload);
    if (stored.bytes !== upload.bytes)
      return { outcome: 'mismatch', problem: `${stored.bytes} bytes came, ${upload.bytes} were announced` };
    if (stored.sha256 !== upload.sha256)
      return { outcome: 'mismatch', problem: 'the bytes have another SHA-256 than announced' };
    await handle.sync();
    return { outcome: 'stored', stored };
  } finally {
    await handle.close();
  }
}

/**
 * Stores an upload durably: `.part`, fsync, rename, fsync of the folder. Only when it resolves with `stored` may the sender
 * be answered 200 (DESIGN §6). Whatever else happens leaves no `.part` behind; what a crash leaves goes at the next start.
 */
export async function storeUpload(upload: Upload): Promise<UploadOutcome> {
  const part = `${upload.file}.${randomUUID()}.part`;
  try {
    const outcome = await storePart(part, upload);
    if (outcome.outcome !== 'stored') {
      await rm(part, { force: true });
      return outcome;
    }
    await rename(part, upload.file);
    await syncFolder(dirname(upload.file));
    return outcome;
  } catch (cause) {
    await rm(part, { force: true }).catch(() => undefined);
    return { outcome: 'disk', cause };
  }
}
