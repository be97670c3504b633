import { randomUUID } from 'node:crypto';
import { closeSync, fsyncSync, linkSync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { open, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';

/** Makes the names in `folder` durable. */
export function fsyncFolder(folder: string): void {
  const descriptor = openSync(folder, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function writeTemporary(file: string, text: string): string {
  const temporary = `${file}.${randomUUID()}.part`;
  const descriptor = openSync(temporary, 'wx', 0o600);
  try {
    writeFileSync(descriptor, text);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
  return temporary;
}

/** Puts `text` in place of `file` in one durable step: a crash leaves the old or the new content, never a part. Throws what the file system throws. */
export function replaceFile(file: string, text: string): void {
  const temporary = writeTemporary(file, text);
  try {
    renameSync(temporary, file);
  } catch (cause) {
    rmSync(temporary, { force: true });
    throw cause;
  }
  fsyncFolder(path.dirname(file));
}

/** Creates `file` with `text` durably unless it exists; of several processes at once one wins and all see its content. */
export function createFile(file: string, text: string): void {
  const temporary = writeTemporary(file, text);
  try {
    linkSync(temporary, file);
  } catch (cause) {
    if (!(cause instanceof Error && 'code' in cause && cause.code === 'EEXIST')) throw cause;
  } finally {
    rmSync(temporary, { force: true });
  }
  fsyncFolder(path.dirname(file));
}

/** As `replaceFile`, without holding the process up: for what is written while others wait for their turn. Rejects with what the file system says. */
export async function writeFileDurably(file: string, text: string): Promise<void> {
  const temporary = `${file}.${randomUUID()}.part`;
  try {
    await writeFile(temporary, text, { flag: 'wx', mode: 0o600, flush: true });
    await rename(temporary, file);
  } catch (cause) {
    await rm(temporary, { force: true });
    throw cause;
  }
  await using folder = await open(path.dirname(file), 'r');
  await folder.sync();
}
