import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

let root: string | null = null;

/**
 * One folder for all that the tests of this run make in the temporary folder, removed at its end: also what a test left that was stopped
 * in the middle. Its name is short, for sockets lie below it; anybody may write there, as in the one it stands for.
 */
export default function setup(): (() => void) | undefined {
  if (root !== null) return undefined;
  const folder = mkdtempSync(join(tmpdir(), 'ac-'));
  chmodSync(folder, 0o1777);
  process.env['TMPDIR'] = folder;
  root = folder;
  return () => rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
}
