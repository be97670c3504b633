import { randomFillSync } from 'node:crypto';
import { closeSync, existsSync, fdatasyncSync, openSync, renameSync, rmSync, statfsSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { failure, success, type Result } from '@agentcompany/protocol';
import { busErrors } from './errors.ts';

/** What is written at once. Random bytes: a file system that compresses or joins equal blocks would give zeros no room. */
const block = 1024 * 1024;
/** The reserve is made again only where this many times its size is free, else each completion would spend it anew. */
const roomNeeded = 1.5;
/** After a failed attempt to make the reserve, how long until the next one. Milliseconds. */
const pause = 1000;

/**
 * A file that holds room for what must go on when the disk is full: ending deliveries and cleaning up. New work is refused first, and
 * as long as the reserve is spent. Several processes may share one file: whether it is there is the only state.
 */
export class DiskReserve {
  readonly #file: string;
  readonly #bytes: number;
  #notBefore = 0;
  #closed = false;

  /** Makes the reserve where there is room for it. `bytes` must hold what the store needs to end its open work. */
  constructor(file: string, bytes: number) {
    this.#file = file;
    this.#bytes = bytes;
    this.#ensure();
  }

  /** `AC_BUS_FULL` for new work while the reserve is spent and there is no room to make it again. Costs one stat(2) while it is there. */
  admit(): Result<undefined> {
    return this.#closed || this.#ensure() ? success() : failure(busErrors.AC_BUS_FULL({ file: this.#file }));
  }

  /** Gives the room back to the disk; true where there was something to give: the caller tries once more. */
  spend(): boolean {
    const held = existsSync(this.#file);
    rmSync(this.#file, { force: true });
    return held;
  }

  /** The file stays: it is the reserve of whoever opens the store next. */
  close(): void {
    this.#closed = true;
  }

  #ensure(): boolean {
    if (existsSync(this.#file)) return true;
    if (performance.now() < this.#notBefore || !this.#hasRoom()) return false;
    const made = this.#make();
    if (!made) this.#notBefore = performance.now() + pause;
    return made;
  }

  #hasRoom(): boolean {
    try {
      const { bavail, bsize } = statfsSync(dirname(this.#file));
      return bavail * bsize >= this.#bytes * roomNeeded;
    } catch {
      return false;
    }
  }

  /** Written beside and renamed: a reserve that is there is whole. */
  #make(): boolean {
    const part = `${this.#file}.${process.pid}.part`;
    try {
      writeBytes(part, this.#bytes);
      renameSync(part, this.#file);
      return true;
    } catch {
      rmSync(part, { force: true });
      return false;
    }
  }
}

function writeBytes(file: string, bytes: number): void {
  const descriptor = openSync(file, 'w', 0o600);
  try {
    const random = randomFillSync(Buffer.allocUnsafe(Math.min(block, bytes)));
    let left = bytes;
    while (left > 0) left -= writeSync(descriptor, random, 0, Math.min(left, random.length));
    fdatasyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
