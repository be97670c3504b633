// @ts-check
import { createHash } from 'node:crypto';
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { join, relative } from 'node:path';

/**
 * A step of the set-up is done when its stamp names the digest of its present inputs and its outputs are there.
 * The stamp is removed before the step begins and written after it ended: whatever interrupts it leaves none.
 *
 * @param {{name: string, stamps: string, inputs: string, present: () => boolean, run: () => Promise<void>, say: (line: string) => void, doing: string}} step
 *   `inputs`: digest of everything the outputs depend on; `present`: whether the outputs exist
 * @returns {Promise<boolean>} whether the step ran
 */
export async function runStamped(step) {
  const file = join(step.stamps, `${step.name}.stamp`);
  if (readText(file) === `${step.inputs}\n` && step.present()) return false;
  rmSync(file, { force: true });
  step.say(step.doing);
  await step.run();
  writeDurably(file, `${step.inputs}\n`);
  return true;
}

/**
 * Digest of files (content and relative path) and plain values. A file that is not there counts as absent, not as an error.
 * @param {string} root
 * @param {readonly string[]} files absolute
 * @param {readonly string[]} values
 * @returns {string} sha256, hex
 */
export function digestOf(root, files, values) {
  const hash = createHash('sha256');
  for (const value of values) hash.update(`value ${value.length} ${value}\n`);
  for (const file of [...files].sort()) {
    const content = existsSync(file) ? readFileSync(file) : null;
    hash.update(`file ${relative(root, file)} ${content === null ? 'absent' : content.length}\n`);
    if (content !== null) hash.update(content);
  }
  return hash.digest('hex');
}

/**
 * Every regular file below a folder, absolute, without `node_modules`, `dist` and dot folders.
 * @param {string} folder
 * @returns {string[]}
 */
export function filesBelow(folder) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isFile()) return [path];
    const skipped = entry.name === 'node_modules' || entry.name === 'dist' || entry.name.startsWith('.');
    return entry.isDirectory() && !skipped ? filesBelow(path) : [];
  });
}

/**
 * Writes beside the target, flushes, renames: a reader finds the old content or the new, never a part.
 * @param {string} file
 * @param {string} content
 */
export function writeDurably(file, content) {
  mkdirSync(join(file, '..'), { recursive: true });
  const part = `${file}.${process.pid}.part`;
  const fd = openSync(part, 'w');
  try {
    writeSync(fd, content);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  renameSync(part, file);
}

/**
 * @param {string} file
 * @returns {string | null} null where there is none
 */
export function readText(file) {
  return existsSync(file) ? readFileSync(file, 'utf8') : null;
}
