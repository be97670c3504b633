import { closeSync, openSync, readFileSync, readSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';

/** A place in the journal: the end of a record. */
export interface Place {
  readonly segment: number;
  readonly offset: number;
}

const pattern = /^(\d{16}) (\d{16}) ([0-9a-f]{8})\n$/;
const length = 16 + 1 + 16 + 1 + 8 + 1;
/** A reader may meet a writer in the middle; the next look finds it done. */
const looks = 50;

export const bellFile = (busFolder: string): string => join(busFolder, 'bus.bell');

function parse(bytes: Buffer): Place | null {
  const found = pattern.exec(bytes.toString('latin1'));
  if (found === null || crc32(bytes.subarray(0, 33)) !== Number.parseInt(found[3] ?? '', 16)) return null;
  return { segment: Number(found[1]), offset: Number(found[2]) };
}

/** What a bell says to whoever does not have the bus open. Null where that is nothing that could be meant. Throws what the system throws. */
export function readBell(file: string): Place | null {
  return parse(readFileSync(file));
}

/**
 * The file `bus.bell`: up to where the journal is durable and may be seen. It is written after the fsync, so whoever watches it wakes
 * when there is something to see, and whoever reads the journal needs no lock. It is a hint of the running system, no truth: opening
 * the bus reads the journal itself and writes the bell anew.
 */
export class Bell {
  readonly file: string;
  readonly #descriptor: number;
  readonly #bytes = Buffer.alloc(length);

  constructor(file: string) {
    this.file = file;
    closeSync(openSync(file, 'a', 0o600));
    this.#descriptor = openSync(file, 'r+');
  }

  /** Null where the file says nothing that could be meant. */
  read(): Place | null {
    for (let look = 0; look < looks; look += 1) {
      const read = readSync(this.#descriptor, this.#bytes, 0, length, 0);
      const place = read === length ? parse(this.#bytes) : null;
      if (place !== null) return place;
    }
    return null;
  }

  /** Says where the visible journal ends. */
  ring({ segment, offset }: Place): void {
    const text = `${String(segment).padStart(16, '0')} ${String(offset).padStart(16, '0')}`;
    writeSync(this.#descriptor, `${text} ${crc32(text).toString(16).padStart(8, '0')}\n`, 0);
  }

  close(): void {
    closeSync(this.#descriptor);
  }
}
