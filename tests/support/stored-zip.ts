import { crc32 } from 'node:zlib';

/** A zip archive of these files, uncompressed (APPNOTE.TXT 4.3): what wheels and modules of Go are. */
export function storedZip(files: Readonly<Record<string, string | Buffer>>): Buffer {
  const entries: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const [path, given] of Object.entries(files)) {
    const name = Buffer.from(path);
    const content = Buffer.from(given);
    const common = commonFields(name, content);
    const local = Buffer.concat([word(0x0403_4b50), common, name, content]);
    const attributes = Buffer.alloc(10);
    // Of a plain file that all may read, as Unix has it.
    attributes.writeUInt32LE(0o100644 * 0x1_0000, 6);
    directory.push(Buffer.concat([word(0x0201_4b50), half(0x0314), common, attributes, word(offset), name]));
    entries.push(local);
    offset += local.length;
  }
  const index = Buffer.concat(directory);
  const count = half(entries.length);
  const end = [word(0x0605_4b50), word(0), count, count, word(index.length), word(offset), half(0)];
  return Buffer.concat([...entries, index, ...end]);
}

/** From the version it takes to the length of the extra field, which is none; of the first of January 1980. */
function commonFields(name: Buffer, content: Buffer): Buffer {
  const sizes = [word(crc32(content)), word(content.length), word(content.length)];
  return Buffer.concat([half(20), half(0), half(0), half(0), half(0x21), ...sizes, half(name.length), half(0)]);
}

function half(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16LE(value);
  return bytes;
}

function word(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}
