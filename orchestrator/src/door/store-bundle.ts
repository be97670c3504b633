import { createHash } from 'node:crypto';
import { open, rename, rm, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';

/** A bundle as the host stored and measured it. */
export interface StoredBundle {
  readonly sha256: string;
  readonly bytes: number;
}

export interface BundleUpload {
  readonly body: AsyncIterable<Buffer>;
  readonly file: string;
  /** What the worker announced: bytes, and SHA-256 in hexadecimal. */
  readonly bytes: number;
  readonly sha256: string;
}

/** `mismatch`: the bytes are not those announced. `disk`: the host could not store them. */
export type BundleStorage =
  | { readonly outcome: 'stored'; readonly bundle: StoredBundle }
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

async function writeBody(handle: FileHandle, upload: BundleUpload): Promise<StoredBundle> {
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

async function storePart(part: string, upload: BundleUpload): Promise<BundleStorage> {
  const handle = await open(part, 'w', 0o600);
  try {
    const bundle = await writeBody(handle, upload);
    if (bundle.bytes !== upload.bytes)
      return { outcome: 'mismatch', problem: `${bundle.bytes} bytes came, ${upload.bytes} were announced` };
    if (bundle.sha256 !== upload.sha256)
      return { outcome: 'mismatch', problem: 'the bytes have another SHA-256 than announced' };
    await handle.sync();
    return { outcome: 'stored', bundle };
  } finally {
    await handle.close();
  }
}

/**
 * Stores an upload durably: `.part`, fsync, rename, fsync of the folder. Only when it resolves with `stored` may the worker
 * be answered 200 (DESIGN §6). Whatever else happens leaves no `.part` behind; one that a crash left is overwritten.
 */
export async function storeBundle(upload: BundleUpload): Promise<BundleStorage> {
  const part = `${upload.file}.part`;
  try {
    const stored = await storePart(part, upload);
    if (stored.outcome !== 'stored') {
      await rm(part, { force: true });
      return stored;
    }
    await rename(part, upload.file);
    await syncFolder(dirname(upload.file));
    return stored;
  } catch (cause) {
    await rm(part, { force: true }).catch(() => undefined);
    return { outcome: 'disk', cause };
  }
}
