import { chmodSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

let root: string | null = null;

/**
 * One folder for all that the tests of this run make in the temporary folder, removed at its end: also what a test left that was stopped
 * in the middle. That of a run that was killed goes with the next one. Its name is short, for sockets lie below it; anybody may write
 * there, as in the one it stands for.
 */
export default function setup(): (() => void) | undefined {
  if (root !== null) return undefined;
  removeStale(tmpdir());
  const folder = mkdtempSync(join(tmpdir(), `ac-${process.pid}-`));
  chmodSync(folder, 0o1777);
  process.env['TMPDIR'] = folder;
  root = folder;
  return () => remove(folder);
}

/** The folders of processes that are gone. */
function removeStale(parent: string): void {
  for (const name of readdirSync(parent)) {
    const pid = Number(/^ac-(\d+)-\w{6}$/.exec(name)?.[1] ?? Number.NaN);
    if (!Number.isNaN(pid) && !isAlive(pid)) remove(join(parent, name));
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (thrown) {
    // Somebody else's process is alive as well.
    return thrown instanceof Error && 'code' in thrown && thrown.code === 'EPERM';
  }
}

/** What cannot be removed, such as a folder that something is still mounted in, is no reason for tests to fail. */
function remove(folder: string): void {
  try {
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  } catch (thrown) {
    process.stderr.write(`${folder} is left behind: ${String(thrown)}\n`);
  }
}
