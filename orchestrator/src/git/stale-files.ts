import { readdir, rm, stat } from 'node:fs/promises';
import path from 'node:path';

/** Seconds after which a lock is taken for that of a dead process: git holds one for milliseconds. */
export const staleLockSeconds = 10;
const dayInSeconds = 86_400;

/**
 * Removes what processes that were killed left in a repository: locks of references and configuration, half-received
 * packs, packs on their way elsewhere. Live ones are younger.
 */
export async function removeStaleFiles(folder: string): Promise<void> {
  const references = await entriesBelow(path.join(folder, 'refs'));
  const top = await entries(folder);
  const packs = await entries(path.join(folder, 'objects', 'pack'));
  const locks = [...references, ...top].filter((file) => file.endsWith('.lock'));
  const transfers = top.filter((file) => /^transfer-[0-9a-f-]+\.pack$/u.test(path.basename(file)));
  const temporary = packs.filter((file) => path.basename(file).startsWith('tmp_'));
  for (const lock of locks) await removeOlder(lock, staleLockSeconds);
  for (const file of [...transfers, ...temporary]) await removeOlder(file, dayInSeconds);
}

/** Removes quarantine repositories of ingests that were cut short and never asked for again. */
export async function removeStaleQuarantines(folder: string): Promise<void> {
  for (const entry of await entries(folder)) {
    if (entry.endsWith('.git')) await removeOlder(entry, dayInSeconds);
  }
}

async function removeOlder(file: string, seconds: number): Promise<void> {
  const found = await stat(file).catch(() => null);
  if (found !== null && Date.now() - found.mtimeMs > seconds * 1000) {
    await rm(file, { recursive: true, force: true });
  }
}

async function entries(folder: string): Promise<readonly string[]> {
  const names = await readdir(folder).catch(() => []);
  return names.map((name) => path.join(folder, name));
}

async function entriesBelow(folder: string): Promise<readonly string[]> {
  const names = await readdir(folder, { recursive: true }).catch(() => []);
  return names.map((name) => path.join(folder, name));
}
