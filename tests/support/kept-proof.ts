import { copyFileSync, existsSync, mkdirSync, renameSync } from 'node:fs';
import { randomUUID } from 'node:crypto';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/** What one home of a test has proven of this machine's engine, the next need not prove again; the product looks whether it fits. */
const kept = join(tmpdir(), 'agentcompany-test-runtimes', 'runtime-proof.json');

function copyOver(from: string, to: string): void {
  if (!existsSync(from)) return;
  mkdirSync(dirname(to), { recursive: true });
  const part = `${to}.${randomUUID()}`;
  copyFileSync(from, part);
  renameSync(part, to);
}

/** Gives a new home what was proven; call `keepProof` with the same file at its end. */
export const takeProof = (recordFile: string): void => copyOver(kept, recordFile);
export const keepProof = (recordFile: string): void => copyOver(recordFile, kept);
