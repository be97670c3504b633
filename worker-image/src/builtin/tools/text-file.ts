import { constants } from 'node:fs';
import { failure, success, type Result } from '@agentcompany/protocol';
import { findInside, openInside, placeInside } from './workspace-path.ts';

/** Bytes of a file that the file tools read: what is larger is for commands. */
const maximumFileBytes = 8 * 1_048_576;
/** Where git, too, looks for the zero byte that makes a file binary. */
const binaryProbe = 8000;

/** The text of a regular file of the repository: UTF-8, its byte order mark and line ends kept. */
export async function readTextFile(root: string, path: string): Promise<Result<string, string>> {
  const found = await findInside(root, path);
  if (!found.ok) return found;
  const opened = await openInside(path, found.value, constants.O_RDONLY);
  if (!opened.ok) return opened;
  await using handle = opened.value;
  const { size } = await handle.stat();
  if (size > maximumFileBytes) return failure(`${path} has ${size} bytes: look at parts of it with a command`);
  const bytes = await handle.readFile();
  if (bytes.subarray(0, binaryProbe).includes(0)) return failure(`${path} is binary`);
  try {
    return success(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch {
    return failure(`${path} is not UTF-8`);
  }
}

/** Writes a file of the repository whole, its folders made. Returns the number of bytes. */
export async function writeTextFile(root: string, path: string, text: string): Promise<Result<number, string>> {
  const placed = await placeInside(root, path);
  if (!placed.ok) return placed;
  // Emptied only once it is known to be what it should be.
  const opened = await openInside(path, placed.value, constants.O_RDWR | constants.O_CREAT);
  if (!opened.ok) return opened;
  await using handle = opened.value;
  await handle.truncate(0);
  await handle.writeFile(text);
  return success(Buffer.byteLength(text));
}
