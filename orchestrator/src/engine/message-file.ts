import { appendFile, mkdir, open, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { positionOfLine } from './message-line.ts';

const firstTail = 256 * 1024;

/** A file of lines, and how far it goes. */
export class MessageFile {
  readonly #file: string;
  /** The position of the last envelope it holds. */
  readonly last: number;
  /** A crash left a line without its end. */
  #isTorn: boolean;

  private constructor(file: string, last: number, isTorn: boolean) {
    this.#file = file;
    this.last = last;
    this.#isTorn = isTorn;
  }

  /** Looks where a file ends; lines that are none are passed over. Throws what the file system throws. */
  static async find(file: string): Promise<MessageFile> {
    let handle: FileHandle;
    try {
      handle = await open(file, 'r');
    } catch (cause) {
      if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return new MessageFile(file, 0, false);
      throw cause;
    }
    await using reading = handle;
    const { size } = await reading.stat();
    for (let length = firstTail; ; length *= 4) {
      const tail = await readTail(reading, size, length);
      const last = lastPosition(tail);
      if (last !== null || length >= size) return new MessageFile(file, last ?? 0, tail !== '' && !tail.endsWith('\n'));
    }
  }

  /** Throws what the file system throws. */
  async append(lines: string): Promise<void> {
    await mkdir(dirname(this.#file), { recursive: true, mode: 0o700 });
    await appendFile(this.#file, this.#isTorn ? `\n${lines}` : lines, { mode: 0o600 });
    this.#isTorn = false;
  }

  /** Throws what the file system throws. */
  async sync(): Promise<void> {
    await using handle = await open(this.#file, 'r');
    await handle.datasync();
  }
}

async function readTail(handle: FileHandle, size: number, length: number): Promise<string> {
  const start = Math.max(0, size - length);
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(size - start), 0, size - start, start);
  return buffer.toString('utf8', 0, bytesRead);
}

function lastPosition(text: string): number | null {
  for (const line of text.split('\n').toReversed()) {
    const position = positionOfLine(line);
    if (position !== null) return position;
  }
  return null;
}
