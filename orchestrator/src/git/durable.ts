import { open } from 'node:fs/promises';

/** Brings a file's content to the disk. */
export async function syncFile(file: string): Promise<void> {
  const handle = await open(file, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Brings the entries of a folder to the disk: git syncs files but not the folders it renames them into. */
export async function syncFolder(folder: string): Promise<void> {
  await syncFile(folder);
}
